// Layers into the bucket: what is known is used as it is; what is new is packed, uploaded and recorded, in that order.
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import type { LayerFact, LayerKey } from '#core/layer.ts';
import type { Blob } from '#core/oci.ts';
import type { Blobs } from '#core/google/blobs.ts';
import type { BlobBucket, BlobContent } from '#core/google/bucket.ts';
import type { Layers } from '#core/google/layers.ts';
import { packLayer } from './pack/pack-layer.ts';
import type { TarEntry } from './pack/tar-header.ts';
import { writeTar } from './pack/tar.ts';

/** A layer to be: its key, what goes into it, and the hashes of the store paths it is made of. */
export interface PlannedLayer {
  readonly key: LayerKey;
  readonly narHashes: readonly string[];
  /** Read only where the layer is not known yet. */
  readonly entries: () => Iterable<TarEntry> | Promise<Iterable<TarEntry>>;
}

export interface LayerStoreParts {
  readonly bucket: BlobBucket;
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly spoolFolder: string;
}

export type LayerStore = ReturnType<typeof createLayerStore>;

export function createLayerStore({ bucket, blobs, layers, spoolFolder }: LayerStoreParts) {
  /** The blob, then the fact about it: a fact never names what is not there. */
  async function put(content: BlobContent, signal: AbortSignal): Promise<void> {
    await blobs.record(content.digest, await bucket.put(content, signal));
  }

  async function pack({ key, narHashes, entries }: PlannedLayer, signal: AbortSignal): Promise<LayerFact> {
    await using packed = await packLayer(writeTar(await entries()), { spoolFolder, signal });
    const { digest, diffId, size, crc32c: checksum, file } = packed;
    signal.throwIfAborted();
    await put({ digest, size, crc32c: checksum, from: { file } }, signal);
    return await layers.record(key, { digest, diffId, size }, narHashes);
  }

  return {
    /**
     * Stores layers, as many at a time as there are cores, and answers their facts in the order given. `onStored` is
     * told how many are there after each. Throws what packing and storing throw, once all that was begun has ended.
     */
    async storeAll(
      planned: readonly PlannedLayer[],
      onStored: (done: number) => void,
      signal: AbortSignal,
    ): Promise<LayerFact[]> {
      const known = await layers.readAll(planned.map(({ key }) => key));
      const failed = new AbortController();
      const either = AbortSignal.any([signal, failed.signal]);
      const limit = pLimit(availableParallelism());
      let done = 0;
      const tasks = planned.map(layer =>
        limit(async () => {
          either.throwIfAborted();
          const fact = known.get(layer.key) ?? (await pack(layer, either));
          onStored((done += 1));
          return fact;
        }),
      );
      for (const task of tasks) task.catch((error: unknown) => failed.abort(error));
      await Promise.allSettled(tasks);
      either.throwIfAborted();
      return Promise.all(tasks);
    },

    /** Stores bytes at hand: an image's config. */
    async storeBlob({ digest, bytes }: Blob, signal: AbortSignal): Promise<void> {
      const checksum = formatCrc32c(crc32c(bytes));
      await put({ digest, size: bytes.length, crc32c: checksum, from: { bytes } }, signal);
    },
  };
}
