// Deflate in threads of our own, one for each core. zlib's asynchronous calls would do it in libuv's pool, but allocate each
// result on the main thread, whose large heap V8 then goes through time and again: a sixth of all work of packing.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

export interface DeflateTask {
  /** Shared memory: begins with the bytes to deflate, and then with the result. It must have room for that. */
  readonly memory: Uint8Array;
  /** Of the bytes to deflate. */
  readonly length: number;
  readonly level: number;
  /** What came before these bytes. */
  readonly dictionary: Uint8Array | undefined;
}

/** Of a thread's heap, without the memory of buffers: it holds next to nothing. */
const HEAP_MB = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

const threads = new Set<DeflateThread>();

/**
 * Replaces the bytes in the task's memory by what they are deflated to, and gives the length of that. It ends on a byte
 * (sync flush) and has no last block. Rejects where the thread comes to an end, of which the next task begins another.
 *
 * Threads are started when they are needed, and stay. One without work does not keep the process alive.
 */
export function deflateInPlace(task: DeflateTask): Promise<number> {
  return leastBusyThread().deflate(task);
}

function leastBusyThread(): DeflateThread {
  const [least] = [...threads].toSorted((a, b) => a.tasks - b.tasks);
  if (least !== undefined && (least.tasks === 0 || threads.size >= availableParallelism())) return least;
  const started = new DeflateThread(thread => threads.delete(thread));
  threads.add(started);
  return started;
}

class DeflateThread {
  readonly #worker: Worker;
  /** In the order in which they were given, which is that of the answers. */
  readonly #unanswered: PromiseWithResolvers<number>[] = [];

  constructor(onEnd: (thread: DeflateThread) => void) {
    // A bundle has to have the thread's file beside it, as an entry of its own: bundlers do not follow this URL.
    // The process's own options may be for it alone, as `--input-type` is.
    this.#worker = new Worker(new URL('./deflate-thread.ts', import.meta.url), {
      name: 'deflate',
      execArgv: [],
      resourceLimits: HEAP_MB,
    });
    this.#worker.unref();
    const end = (error: Error): void => {
      onEnd(this);
      for (const { reject } of this.#unanswered.splice(0)) reject(error);
    };
    this.#worker.on('message', (length: number) => {
      this.#unanswered.shift()?.resolve(length);
      if (this.tasks === 0) this.#worker.unref();
    });
    this.#worker.on('error', end);
    this.#worker.on('exit', code => end(new Error(`a thread that deflates ended with ${code}`)));
  }

  /** Tasks that it was given and has not answered. */
  get tasks(): number {
    return this.#unanswered.length;
  }

  deflate(task: DeflateTask): Promise<number> {
    const answer = Promise.withResolvers<number>();
    this.#unanswered.push(answer);
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window's rule: a thread has no origin.
    this.#worker.postMessage(task);
    return answer.promise;
  }
}
