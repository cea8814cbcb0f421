// How long a worker has had nothing to do.

export interface Idleness {
  /** Does work: while any goes on, and for the time after it, the worker is not idle. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when there was no work for the whole time, which begins anew with this call; or once `until` is aborted. */
  reached(until: AbortSignal): Promise<void>;
}

/** `idleMs`: the time, in milliseconds; Infinity is never. */
export function watchIdleness(idleMs: number): Idleness {
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;
  let onIdle = (): void => undefined;

  function beginAnew(): void {
    clearTimeout(timer);
    if (underWay === 0 && idleMs < Infinity) timer = setTimeout(() => onIdle(), idleMs);
  }

  return {
    async during(work) {
      underWay += 1;
      clearTimeout(timer);
      try {
        return await work();
      } finally {
        underWay -= 1;
        beginAnew();
      }
    },

    reached(until) {
      return new Promise(resolve => {
        const leave = (): void => {
          clearTimeout(timer);
          until.removeEventListener('abort', leave);
          resolve();
        };
        onIdle = leave;
        beginAnew();
        until.addEventListener('abort', leave);
        if (until.aborted) leave();
      });
    },
  };
}
