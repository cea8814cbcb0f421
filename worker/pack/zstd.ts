// Zstandard on all cores (RFC 8878): every block is a frame of its own, and frames may follow one another.
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { MEDIA_TYPES } from '#core/oci.ts';
import { BLOCK_SIZE } from './block-pool.ts';
import { compressBlocks } from './compress-blocks.ts';
import type { Compressor, CompressOptions } from './compressor.ts';

/** As zstd's own default: smaller than gzip's level 6 in a fifth of its time. */
const LEVEL = 3;

/** Goes up when other bytes come out, be it by this file or by a runtime with another zstd (a test tells). */
const VERSION = 1;

const compressFrame = promisify<Buffer, object, Buffer>(zstdCompress);

export const ZSTD: Compressor = {
  id: `zstd-frames level=${LEVEL} block=${BLOCK_SIZE} version=${VERSION}`,
  mediaType: MEDIA_TYPES.zstdLayer,
  compress: zstd,
};

async function* zstd(input: Iterable<Uint8Array>, { pool, look }: CompressOptions): AsyncGenerator<Buffer> {
  let isEmpty = true;
  yield* compressBlocks(input, pool, (memory, length) => {
    isEmpty = false;
    const block = memory.subarray(0, length);
    look?.(block);
    return compressBlock(block);
  });
  // No bytes at all are a frame too: without one, decoders take it for something that was cut off.
  if (isEmpty) yield await compressBlock(Buffer.alloc(0));
}

function compressBlock(block: Buffer): Promise<Buffer> {
  return compressFrame(block, {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    pledgedSrcSize: block.length,
    chunkSize: BLOCK_SIZE + (BLOCK_SIZE >> 8),
  });
}
