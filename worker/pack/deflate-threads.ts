// Deflate in threads of our own, one for each core. zlib's asynchronous calls would do it in libuv's pool, but allocate each
// result on the main thread, whose large heap V8 then goes through time and again: a sixth of all work of packing.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { TransientError } from '#core/errors.ts';

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
 * Starts all threads, and has each do something: the first layer would have to wait for that otherwise. Rejects with a
 * {@link TransientError} where they cannot be started.
 */
export async function startDeflateThreads(): Promise<void> {
  while (threads.size < availableParallelism()) startThread();
  await Promise.all(Array.from(threads, thread => thread.deflate(anything())));
}

/**
 * Replaces the bytes in the task's memory by what they are deflated to, and gives the length of that. It ends on a byte
 * (sync flush) and has no last block. Rejects with a {@link TransientError} where the thread comes to an end, whatever the
 * reason; in its place, the next task has a new one.
 *
 * Threads that are not there yet are started. One without work does not keep the process alive.
 */
export function deflateInPlace(task: DeflateTask): Promise<number> {
  return leastBusyThread().deflate(task);
}

function leastBusyThread(): DeflateThread {
  const [least] = [...threads].toSorted((a, b) => a.tasks - b.tasks);
  const isEnough = least !== undefined && (least.tasks === 0 || threads.size >= availableParallelism());
  return isEnough ? least : startThread();
}

function startThread(): DeflateThread {
  const thread = new DeflateThread(ended => threads.delete(ended));
  threads.add(thread);
  return thread;
}

function anything(): DeflateTask {
  return { memory: new Uint8Array(new SharedArrayBuffer(1000)), length: 1, level: 1, dictionary: undefined };
}

class DeflateThread {
  readonly #worker: Worker;
  /** In the order in which they were given, which is that of the answers. */
  readonly #unanswered: PromiseWithResolvers<number>[] = [];

  constructor(onEnd: (thread: DeflateThread) => void) {
    // By a name that a bundle can have too: there the thread is a file of its own beside the worker's, an entry as well as
    // that, and `imports` in package.json says under which name. No bundler sees that by itself.
    this.#worker = new Worker(new URL(import.meta.resolve('#worker/pack/deflate-thread.ts')), {
      name: 'deflate',
      // The process's own options may be for it alone, as `--input-type` is.
      execArgv: [],
      resourceLimits: HEAP_MB,
    });
    this.#worker.unref();
    const end = (why: string, cause?: unknown): void => {
      onEnd(this);
      const error = new TransientError(`a thread that deflates has ended: ${why}`, { cause });
      for (const { reject } of this.#unanswered.splice(0)) reject(error);
    };
    this.#worker.on('message', (length: number) => {
      this.#unanswered.shift()?.resolve(length);
      if (this.tasks === 0) this.#worker.unref();
    });
    this.#worker.on('error', error => end(error instanceof Error ? error.message : String(error), error));
    this.#worker.on('exit', code => end(`exit code ${code}`));
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
