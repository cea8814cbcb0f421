// Gzip on all cores: one ordinary gzip member (RFC 1952), whose blocks are deflated side by side.
import { crc32 } from 'node:zlib';
import { MEDIA_TYPES } from '#core/oci.ts';
import { BLOCK_SIZE } from './block-pool.ts';
import { compressBlocks } from './compress-blocks.ts';
import type { Compressor, CompressOptions } from './compressor.ts';
import { deflateInPlace, startDeflateThreads } from './deflate-threads.ts';

const LEVEL = 6;

/** How far deflate looks back: a block begins with this much of the one before it as its dictionary. */
const WINDOW = 1 << 15;

/** Goes up when other bytes come out, be it by this file or by a runtime with another zlib (a test tells). */
const VERSION = 2;

/** Deflate, no flags, no time, nothing on the level, and an unknown system: never the one it runs on. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** An empty last block. Every block before it ends on a byte (sync flush), so it can simply follow. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

export const GZIP: Compressor = {
  id: `gzip-blocks level=${LEVEL} block=${BLOCK_SIZE} version=${VERSION}`,
  mediaType: MEDIA_TYPES.gzipLayer,
  prepare: startDeflateThreads,
  compress: gzip,
};

async function* gzip(input: Iterable<Uint8Array>, { pool, look }: CompressOptions): AsyncGenerator<Buffer> {
  yield HEADER;
  let dictionary: Buffer | undefined;
  let crc = 0;
  let length = 0;
  yield* compressBlocks(input, pool, async (memory, blockLength) => {
    const block = memory.subarray(0, blockLength);
    look?.(block);
    crc = crc32(block, crc);
    length += blockLength;
    const before = dictionary;
    // A copy: the block itself is soon another.
    dictionary = Buffer.from(block.subarray(-WINDOW));
    const task = { memory, length: blockLength, level: LEVEL, dictionary: before };
    return memory.subarray(0, await deflateInPlace(task));
  });
  yield Buffer.concat([LAST_BLOCK, trailer(crc, length)]);
}

/** CRC-32 and length modulo 2^32 of the input, little-endian. */
function trailer(crc: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(length % 2 ** 32, 4);
  return bytes;
}
