// The longest that one build may take: a clock that stands still while the build can do nothing.

export interface WorkLimit extends Disposable {
  /** Aborted with the error when the time is over. */
  readonly signal: AbortSignal;
  /** The clock stands still until it is resumed. */
  pause(): void;
  resume(): void;
}

/** Starts the clock. */
export function startWorkLimit(seconds: number, error: Error): WorkLimit {
  const over = new AbortController();
  let left = seconds * 1000;
  let running: { readonly timer: NodeJS.Timeout; readonly since: number } | undefined;

  function pause(): void {
    if (running === undefined) return;
    clearTimeout(running.timer);
    left -= performance.now() - running.since;
    running = undefined;
  }

  function resume(): void {
    if (running !== undefined) return;
    const timer = setTimeout(() => over.abort(error), Math.max(0, left));
    running = { timer, since: performance.now() };
  }

  resume();
  return { signal: over.signal, pause, resume, [Symbol.dispose]: pause };
}
