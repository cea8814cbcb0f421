// Layers in a folder: what the worker stores in the bucket, kept at hand.
import { createReadStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { digestHex, type Digest } from '#core/digest.ts';
import type { LayerFact } from '#core/layer.ts';
import type { LayerStore } from '#worker/layer-store.ts';
import { BlockPool } from '#worker/pack/block-pool.ts';
import { packLayer } from '#worker/pack/pack-layer.ts';
import { tarParts } from '#worker/pack/tar.ts';

export interface LayerFolder extends LayerStore {
  /** A blob that was stored. */
  readonly open: (digest: Digest) => Readable;
  /** The bytes of a config that was stored. */
  readonly config: (digest: Digest) => Uint8Array | undefined;
}

/** Packs every layer anew, and knows none. `folder` is there, and nobody else's. */
export function openLayerFolder(folder: string): LayerFolder {
  const configs = new Map<Digest, Uint8Array>();
  const pool = new BlockPool();
  const fileOf = (digest: Digest): string => join(folder, digestHex(digest));
  return {
    async storeAll(planned, onStored, signal) {
      const facts: LayerFact[] = [];
      for (const { entries, compressor } of planned) {
        const tar = tarParts(await entries());
        const options = { compressor, pool, spoolFolder: folder, signal };
        const { digest, diffId, size, file } = await packLayer(tar, options);
        await rename(file, fileOf(digest));
        facts.push({ digest, diffId, size });
        onStored(facts.length);
      }
      return facts;
    },

    storeBlob({ digest, bytes }) {
      configs.set(digest, bytes);
      return Promise.resolve();
    },

    open: digest => createReadStream(fileOf(digest)),
    config: digest => configs.get(digest),
  };
}
