// libuv's pool of threads, in which zstd compresses and files are written. Gzip has threads of its own (deflate-threads.ts).
import { availableParallelism } from 'node:os';

/** Threads that are not for a core of their own: files and names of hosts are waited for, not worked on. */
const FOR_WAITING = 2;

/**
 * Gives the pool a thread for each core, and some more, where the environment does not say how many it has: by itself it has
 * four. To be called before anything uses it, which the loading of modules does not.
 */
export function sizeThreadPool(cores = availableParallelism()): void {
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, cores + FOR_WAITING));
}
