// Layers into the bucket: what is known is used as it is; what is new is packed, uploaded and recorded, in that order.
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import type { LayerFact, LayerKey } from '#core/layer.ts';
import type { Blob } from '#core/oci.ts';
import type { Layers } from '#core/google/layers.ts';
import type { BlobStore } from './blob-store.ts';
import { BlockPool } from './pack/block-pool.ts';
import type { Compressor } from './pack/compressor.ts';
import { packLayer } from './pack/pack-layer.ts';
import type { TarEntry } from './pack/tar-header.ts';
import { tarParts } from './pack/tar.ts';
import { createTurns } from './turns.ts';

/** A layer to be: its key, what goes into it, and the hashes of the store paths it is made of. */
export interface PlannedLayer {
  readonly key: LayerKey;
  /** About how many bytes are to be packed. */
  readonly size: number;
  readonly narHashes: readonly string[];
  readonly compressor: Compressor;
  /** Read only where the layer is not known yet. */
  readonly entries: () => Iterable<TarEntry> | Promise<Iterable<TarEntry>>;
}

export interface LayerStoreParts {
  readonly blobStore: BlobStore;
  readonly layers: Layers;
  readonly spoolFolder: string;
}

/**
 * Layers that are packed at a time. One large layer uses all cores; of small ones, each of which waits for the disk more
 * than for a core, it takes several. They share the memory of one {@link BlockPool}.
 */
const PACKED_AT_ONCE = 2 * availableParallelism();

/** Uploads at a time: a small blob is a few round trips, each of which costs waiting and nothing else. */
const UPLOADED_AT_ONCE = 8;

export type LayerStore = ReturnType<typeof createLayerStore>;

/** The limits hold for all builds of a worker together: it has one layer store. */
export function createLayerStore({ blobStore, layers, spoolFolder }: LayerStoreParts) {
  const pool = new BlockPool();
  const packing = pLimit(PACKED_AT_ONCE);
  const uploading = pLimit(UPLOADED_AT_ONCE);
  const inTurn = createTurns();

  async function store(layer: PlannedLayer, signal: AbortSignal): Promise<LayerFact> {
    const { key, narHashes, compressor } = layer;
    await using packed = await packing(async () => {
      signal.throwIfAborted();
      return packLayer(tarParts(await layer.entries()), { compressor, pool, spoolFolder, signal });
    });
    const { digest, diffId, size, crc32c: checksum, file } = packed;
    await uploading(() => {
      signal.throwIfAborted();
      return blobStore.store({ digest, size, crc32c: checksum, from: { file } }, signal);
    });
    // A fact never names what is not there.
    return await layers.record(key, { digest, diffId, size }, narHashes);
  }

  /** What another build of this worker packs already is waited for: two would not be faster. */
  function storeOnce(layer: PlannedLayer, signal: AbortSignal): Promise<LayerFact> {
    const { key } = layer;
    return inTurn(key, signal, async ({ hasWaited }) => {
      const fact = hasWaited ? (await layers.readAll([key])).get(key) : undefined;
      return fact ?? store(layer, signal);
    });
  }

  return {
    /**
     * Stores layers, several at a time and the largest first, and answers their facts in the order given. `onStored` is
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
      let done = 0;
      const tasks: Promise<LayerFact>[] = [];
      for (const [index, layer] of [...planned.entries()].toSorted(([, a], [, b]) => b.size - a.size)) {
        const task = Promise.resolve(known.get(layer.key) ?? storeOnce(layer, either)).then(fact => {
          onStored((done += 1));
          return fact;
        });
        task.catch((error: unknown) => failed.abort(error));
        tasks[index] = task;
      }
      await Promise.allSettled(tasks);
      either.throwIfAborted();
      return Promise.all(tasks);
    },

    /** Stores bytes at hand: an image's config. */
    async storeBlob({ digest, bytes }: Blob, signal: AbortSignal): Promise<void> {
      const checksum = formatCrc32c(crc32c(bytes));
      await blobStore.store({ digest, size: bytes.length, crc32c: checksum, from: { bytes } }, signal);
    },
  };
}
