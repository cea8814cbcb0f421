// Work of which, for each key, one goes on at a time.

export interface Turn {
  /** Whether another turn of this key ended before this one began: what was known before may have changed. */
  readonly hasWaited: boolean;
}

/** Runs work by key: who comes while a key is worked on waits until that has ended, however it ended. */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>();

  /** Runs `work` in its turn. Aborting `signal` ends the wait for it, with its reason; not the work. */
  return async function inTurn<Result>(
    key: string,
    signal: AbortSignal,
    work: (turn: Turn) => Promise<Result>,
  ): Promise<Result> {
    let hasWaited = false;
    for (let other = last.get(key); other !== undefined; other = last.get(key)) {
      hasWaited = true;
      await endOf(other, signal);
    }
    signal.throwIfAborted();
    const running = work({ hasWaited });
    last.set(key, running);
    try {
      return await running;
    } finally {
      last.delete(key);
    }
  };
}

/** Resolves when `work` has ended, well or not; rejects when the signal is aborted before. */
async function endOf(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    await Promise.race([work.then(nothing, nothing), gone]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function nothing(): void {
  // Only the end matters.
}
