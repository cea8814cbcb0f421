// Layers packed and stored by the worker's own code, in stand-ins that hold nothing at first.
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket, type BlobBucket } from '#core/google/bucket.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openLayers } from '#core/google/layers.ts';
import { createBlobStore } from '#worker/blob-store.ts';
import { createLayerStore, type PlannedLayer } from '#worker/layer-store.ts';
import type { TarEntry } from '#worker/pack/tar-header.ts';
import { BUCKET, PROJECT } from '#test/cloud.ts';
import { startCloudProcess } from './cloud-process.ts';

export interface Stored {
  readonly seconds: number;
  /** Of this process: the stand-ins' own is not in it. */
  readonly cpuSeconds: number;
  readonly layersPacked: number;
  /** Bytes of the files that were read. */
  readonly bytesRead: number;
  readonly bytesUploaded: number;
}

const never = new AbortController().signal;

/** Stores images, each a list of layers, one after the other; what each took. */
export async function storeImages(
  images: readonly (readonly PlannedLayer[])[],
  spoolFolder: string,
): Promise<Stored[]> {
  await using _cloud = await startCloudProcess();
  const firestore = openFirestore(PROJECT, '(default)');
  const count = { layersPacked: 0, bytesRead: 0, bytesUploaded: 0 };
  const bucket = openBlobBucket(PROJECT, BUCKET);
  const counting: BlobBucket = {
    ...bucket,
    put(content, signal) {
      count.bytesUploaded += content.size;
      return bucket.put(content, signal);
    },
  };
  const blobStore = createBlobStore({ bucket: counting, blobs: openBlobs(firestore) });
  const store = createLayerStore({ blobStore, layers: openLayers(firestore), spoolFolder });
  // The first call of Google's client loads what it needs: a worker has done that when it is ready.
  await openLayers(firestore).readAll(images.flat().map(({ key }) => key));
  await bucket.exists();
  const stored: Stored[] = [];
  for (const layers of images) {
    Object.assign(count, { layersPacked: 0, bytesRead: 0, bytesUploaded: 0 });
    const planned = layers.map(layer => ({
      ...layer,
      entries: async () => {
        count.layersPacked += 1;
        return counted(await layer.entries(), size => (count.bytesRead += size));
      },
    }));
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await store.storeAll(planned, () => {}, never);
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    stored.push({ ...count, seconds, cpuSeconds: (user + system) / 1e6 });
  }
  await firestore.terminate();
  return stored;
}

function* counted(entries: Iterable<TarEntry>, add: (size: number) => void): Generator<TarEntry> {
  for (const entry of entries) {
    if (entry.kind === 'file') add(entry.size);
    yield entry;
  }
}
