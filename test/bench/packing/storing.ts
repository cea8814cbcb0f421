// Images planned, packed, stored and published by the worker's own code, in stand-ins that hold nothing at first.
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket, type BlobBucket } from '#core/google/bucket.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openImages } from '#core/google/images.ts';
import { openLayers } from '#core/google/layers.ts';
import { requestKey, type ImageRequest } from '#core/image-request.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { ImagePlan } from '#worker/image/plan-image.ts';
import { writeImage } from '#worker/image/write-image.ts';
import { createBlobStore } from '#worker/blob-store.ts';
import { createLayerStore } from '#worker/layer-store.ts';
import { COMPRESSORS } from '#worker/pack/compressors.ts';
import type { TarEntry } from '#worker/pack/tar-header.ts';
import { BUCKET, claimant, PROJECT } from '#test/cloud.ts';
import { IMAGE_SETTINGS, SETTINGS } from '#test/core/deployment.ts';
import { startCloudProcess } from './cloud-process.ts';

/** An image of which everything is in the Nix store. */
export interface UnpackedImage {
  readonly request: ImageRequest;
  readonly revision: string;
  /** Plans it anew. */
  readonly plan: () => ImagePlan;
}

export interface Stored {
  /** From the plan until the manifest is published. */
  readonly seconds: number;
  /** Processor time of this process and of the stand-ins together. */
  readonly cpuSeconds: number;
  /** That of the stand-ins alone. */
  readonly cloudCpuSeconds: number;
  readonly layersPacked: number;
  /** Bytes of the files that were read. */
  readonly bytesRead: number;
  readonly bytesUploaded: number;
}

const never = new AbortController().signal;

/** Stores images one after the other; what each took. */
export async function storeImages(images: readonly UnpackedImage[], spoolFolder: string): Promise<Stored[]> {
  await using cloud = await startCloudProcess();
  const firestore = openFirestore(PROJECT, '(default)');
  const published = openImages(firestore);
  const layers = openLayers(firestore);
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
  const store = createLayerStore({ blobStore, layers, spoolFolder });
  // A worker has done that when it is ready. The first call of Google's client loads what it needs.
  await bucket.exists();
  await COMPRESSORS[IMAGE_SETTINGS.compression].prepare?.();
  const stored: Stored[] = [];
  for (const { request, revision, plan } of images) {
    Object.assign(count, { layersPacked: 0, bytesRead: 0, bytesUploaded: 0 });
    const key = requestKey(request, SETTINGS);
    await published.queue(key, request, { by: 'pull', settings: SETTINGS }, await published.read(key));
    await published.claim(key, claimant('bench'));
    const cloudCpuBefore = await cloud.cpuSeconds();
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();

    const planned = plan();
    const counted = planned.layers.map(layer => ({
      ...layer,
      entries: async () => {
        count.layersPacked += 1;
        return reportSizes(await layer.entries(), size => (count.bytesRead += size));
      },
    }));
    const { config, manifest } = writeImage(planned, await store.storeAll(counted, () => {}, never));
    await store.storeBlob(config, never);
    const publication = await published.publish(key, 'bench', {
      manifest: { ...manifest, mediaType: MEDIA_TYPES.manifest },
      revision,
      checkedAt: Date.now(),
    });
    if (publication.kind !== 'published') throw new Error('an image that was just stored is not whole');

    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const cloudCpuSeconds = (await cloud.cpuSeconds()) - cloudCpuBefore;
    const cpuSeconds = (user + system) / 1e6 + cloudCpuSeconds;
    stored.push({ ...count, seconds, cpuSeconds, cloudCpuSeconds });
  }
  await firestore.terminate();
  return stored;
}

function* reportSizes(entries: Iterable<TarEntry>, add: (size: number) => void): Generator<TarEntry> {
  for (const entry of entries) {
    if (entry.kind === 'file') add(entry.size);
    yield entry;
  }
}
