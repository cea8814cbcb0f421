// From a tar to a file that is ready for upload, in one pass.
import { createHash, type Hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { digestFromHex, type Digest } from '#core/digest.ts';
import type { LayerFact } from '#core/layer.ts';
import type { BlockPool } from './block-pool.ts';
import type { Compressor } from './compressor.ts';
import { spoolError, spoolFile } from './spool.ts';

/** A layer in the spool. Whoever holds it disposes of it, which removes the file. */
export interface PackedLayer extends LayerFact, AsyncDisposable {
  /** CRC32C of the blob, as Cloud Storage prints it. */
  readonly crc32c: string;
  /** The blob. */
  readonly file: string;
}

export interface PackOptions {
  readonly compressor: Compressor;
  /** Where the memory comes from; layers that are packed at once share one. */
  readonly pool: BlockPool;
  /** See {@link prepareSpool}. */
  readonly spoolFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * Hashes, compresses and spools `tar`. Memory is bounded, whatever its size. Errors of `tar` come through as they are;
 * one of the spool (a full disk) is a {@link TransientError}; an abort rejects with the signal's reason. Whatever the
 * error, no file is left.
 */
export async function packLayer(
  tar: Iterable<Uint8Array>,
  { compressor, pool, spoolFolder, signal }: PackOptions,
): Promise<PackedLayer> {
  const file = spoolFile(spoolFolder, 'layer');
  const discard = () => rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600).catch(spoolError(spoolFolder));
  try {
    await using _closed = handle;
    const tarHash = createHash('sha256');
    const blobHash = createHash('sha256');
    let crc = 0;
    let size = 0;
    for await (const chunk of compressor.compress(tar, { pool, look: bytes => tarHash.update(bytes) })) {
      signal?.throwIfAborted();
      blobHash.update(chunk);
      crc = crc32c(chunk, crc);
      size += chunk.length;
      await handle.writeFile(chunk).catch(spoolError(spoolFolder));
    }
    return {
      digest: digestOfHash(blobHash),
      diffId: digestOfHash(tarHash),
      size,
      crc32c: formatCrc32c(crc),
      file,
      [Symbol.asyncDispose]: discard,
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

function digestOfHash(hash: Hash): Digest {
  return digestFromHex(hash.digest('hex'));
}
