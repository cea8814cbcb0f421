// Gzip on all cores: one ordinary gzip member (RFC 1952), whose blocks are deflated side by side.
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { BlockCutter } from './blocks.ts';

const LEVEL = 6;
const BLOCK_SIZE = 1 << 20;

/** How far deflate looks back: a block begins with this much of the one before it as its dictionary. */
const WINDOW = 1 << 15;

/** Goes up when other bytes come out, be it by this file or by a runtime with another zlib (a test tells). */
const VERSION = 1;

/** Names the bytes that {@link gzip} makes: part of a layer's key. */
export const COMPRESSOR_ID = `gzip-blocks level=${LEVEL} block=${BLOCK_SIZE} version=${VERSION}`;

/** Deflate, no flags, no time, nothing on the level, and an unknown system: never the one it runs on. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** An empty last block. Every block before it ends on a byte (sync flush), so it can simply follow. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

const deflate = promisify<Buffer, object, Buffer>(deflateRaw);

export interface GzipOptions {
  /** Blocks that are compressed or wait for their turn to go out; bounds the memory, never changes the output. */
  readonly inFlight?: number;
}

/**
 * Compresses `input`. The output depends on its bytes alone, not on how they are cut into chunks nor on the number of
 * cores. The work is done in libuv's pool of threads: more than four cores need UV_THREADPOOL_SIZE.
 */
export async function* gzip(
  input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { inFlight = 2 * availableParallelism() }: GzipOptions = {},
): AsyncGenerator<Buffer> {
  yield HEADER;
  const deflated: Promise<Buffer>[] = [];
  let dictionary: Buffer | undefined;
  let crc = 0;
  let length = 0;
  try {
    for await (const block of cut(input)) {
      crc = crc32(block, crc);
      length += block.length;
      deflated.push(deflateBlock(block, dictionary));
      dictionary = block.subarray(-WINDOW);
      const first = deflated.length < inFlight ? undefined : deflated.shift();
      if (first !== undefined) yield await first;
    }
    for (let next = deflated.shift(); next !== undefined; next = deflated.shift()) yield await next;
  } finally {
    // Where the reader goes away, no work goes on behind it.
    await Promise.allSettled(deflated);
  }
  yield LAST_BLOCK;
  yield trailer(crc, length);
}

async function* cut(input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  const blocks = new BlockCutter(BLOCK_SIZE);
  for await (const chunk of input) yield* blocks.push(chunk);
  yield* blocks.rest();
}

/** All that bears on the bytes is said here, whatever zlib's defaults are. */
function deflateBlock(block: Buffer, dictionary: Buffer | undefined): Promise<Buffer> {
  const done = deflate(block, {
    level: LEVEL,
    memLevel: 8,
    windowBits: 15,
    strategy: constants.Z_DEFAULT_STRATEGY,
    finishFlush: constants.Z_SYNC_FLUSH,
    // Room for the whole result: with less, a block would queue for a thread again and again.
    chunkSize: BLOCK_SIZE + (BLOCK_SIZE >> 8),
    ...(dictionary !== undefined && { dictionary }),
  });
  // It is awaited in its turn; until then, an error must not count as one that nobody handles.
  done.catch(() => {});
  return done;
}

/** CRC-32 and length modulo 2^32 of the input, little-endian. */
function trailer(crc: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(length % 2 ** 32, 4);
  return bytes;
}
