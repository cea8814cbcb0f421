// Work that several ask for at once is done once.

export type SingleFlight<Result> = ReturnType<typeof createSingleFlight<Result>>;

interface Flight<Result> {
  readonly result: Promise<Result>;
  readonly leave: () => void;
  readonly join: () => void;
}

/** Work by key: whoever asks for a key that is being worked on gets the same result. */
export function createSingleFlight<Result>() {
  const flights = new Map<string, Flight<Result>>();

  function takeOff(key: string, work: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const abandoned = new AbortController();
    let waiting = 0;
    const result = work(abandoned.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    const flight = {
      result,
      join: () => void (waiting += 1),
      leave: () => {
        waiting -= 1;
        if (waiting > 0) return;
        // Who comes after does not join what is being given up.
        if (flights.get(key) === flight) flights.delete(key);
        abandoned.abort();
      },
    };
    flights.set(key, flight);
    return flight;
  }

  /**
   * The result of `work`, or of what is under way for the key. Aborting `signal` ends this waiting, with its reason; the
   * work's own signal is aborted when nobody waits any more.
   */
  return async function fly(
    key: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    signal.throwIfAborted();
    const flight = flights.get(key) ?? takeOff(key, work);
    flight.join();
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([flight.result, gone]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.leave();
    }
  };
}
