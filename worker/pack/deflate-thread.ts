// A thread that deflates: a program of its own, which `deflate-threads.ts` starts. Its heap is small, and so is the cost of
// clearing away the buffers that zlib allocates for each result.
import { parentPort } from 'node:worker_threads';
import { constants, deflateRawSync } from 'node:zlib';
import type { DeflateTask } from './deflate-threads.ts';

parentPort?.on('message', ({ memory, length, level, dictionary }: DeflateTask) => {
  // All that bears on the bytes is said here, whatever zlib's defaults are.
  const deflated = deflateRawSync(memory.subarray(0, length), {
    level,
    // So many symbols share their codes as gzip(1) takes (32,768): a twelfth less work than with half of them, for bytes that
    // are half a per cent more.
    memLevel: 9,
    windowBits: 15,
    strategy: constants.Z_DEFAULT_STRATEGY,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: memory.length >> 1,
    ...(dictionary !== undefined && { dictionary }),
  });
  const deflatedLength = deflated.length;
  memory.set(deflated);
  free(deflated.buffer);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window's rule: a thread has no origin.
  parentPort?.postMessage(deflatedLength);
});

/**
 * Memory that is left to the collector counts as pressure on the small heap, which it then goes through time and again. What
 * Node shares out among small buffers is not ours to free.
 */
function free(memory: ArrayBuffer): void {
  if (memory.byteLength > Buffer.poolSize) memory.transfer(0);
}
