// The tar of a layer.
import { BlockCutter } from './blocks.ts';
import { TAR_BLOCK, tarHeader, tarPadding, type TarEntry } from './tar-header.ts';

/** Bytes per chunk of a tar that is written as it is. */
const CHUNK = 1 << 20;

/** Writes `entries`, in their order, as one tar, in large chunks: the same entries give the same bytes. */
export function* writeTar(entries: Iterable<TarEntry>): Generator<Buffer> {
  const chunks = new BlockCutter(CHUNK);
  for (const part of tarParts(entries)) yield* chunks.push(part);
  yield* chunks.rest();
}

/**
 * The same in the portions that it comes in, of which each is good until the next is asked for. Memory is bounded by what
 * is read of a file at once.
 *
 * Synchronous on purpose: files are read while the thread pool compresses, and a read that had to queue there behind
 * blocks of the compressor would wait for tens of milliseconds, three times a file.
 */
export function* tarParts(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const entry of entries) {
    yield tarHeader(entry);
    if (entry.kind === 'file') {
      yield* entry.content();
      yield tarPadding(entry.size);
    }
  }
  yield Buffer.alloc(2 * TAR_BLOCK);
}
