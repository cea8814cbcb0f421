// A thread that deflates: a program of its own, which `deflate-threads.ts` starts. Its heap is small, and so is the cost of
// clearing away the buffers that zlib allocates for each result.
import { parentPort } from 'node:worker_threads';
import { constants, deflateRawSync } from 'node:zlib';
import type { DeflateTask } from './deflate-threads.ts';

parentPort?.on('message', ({ memory, length, level, dictionary }: DeflateTask) => {
  // All that bears on the bytes is said here, whatever zlib's defaults are.
  const deflated = deflateRawSync(memory.subarray(0, length), {
    level,
    memLevel: 8,
    windowBits: 15,
    strategy: constants.Z_DEFAULT_STRATEGY,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: memory.length >> 1,
    ...(dictionary !== undefined && { dictionary }),
  });
  const deflatedLength = deflated.length;
  memory.set(deflated);
  // Freed at once. Left to the collector, it counts as pressure on a small heap, which is then gone through time and again.
  deflated.buffer.transfer(0);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window's rule: a thread has no origin.
  parentPort?.postMessage(deflatedLength);
});
