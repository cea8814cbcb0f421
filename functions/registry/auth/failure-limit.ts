// How often an address may be wrong.
import { LRUCache } from 'lru-cache';

export interface FailureLimitSettings {
  /** Wrong logins of one address in a minute. */
  readonly perMinute: number;
  /** Addresses that are remembered: a flood from more of them costs no more memory. */
  readonly addresses: number;
}

const MINUTE = 60_000;

/** `now`: milliseconds on a clock that does not go back. */
export function createFailureLimit({ perMinute, addresses }: FailureLimitSettings, now: () => number) {
  const counts = new LRUCache<string, { readonly since: number; count: number }>({ max: addresses });

  function pauseOf(address: string): number | undefined {
    const running = counts.peek(address);
    if (running === undefined || running.count < perMinute) return undefined;
    const leftMs = running.since + MINUTE - now();
    return leftMs > 0 ? Math.ceil(leftMs / 1000) : undefined;
  }

  return {
    /** After how many seconds the address may be wrong again; undefined where it may be now. */
    pauseOf,

    /**
     * Counts a login as wrong before it is checked, so that many at a time cannot get past the limit. Undefined, or after how many
     * seconds there may be another.
     */
    take(address: string): number | undefined {
      const running = counts.get(address);
      const pauseSeconds = pauseOf(address);
      if (running === undefined || now() - running.since >= MINUTE) {
        counts.set(address, { since: now(), count: 1 });
      } else if (pauseSeconds === undefined) running.count += 1;
      return pauseSeconds;
    },

    /** It was not wrong after all. */
    giveBack(address: string): void {
      const running = counts.peek(address);
      if (running !== undefined && running.count > 0) running.count -= 1;
    },
  };
}
