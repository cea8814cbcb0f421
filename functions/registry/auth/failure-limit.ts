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

  return {
    /**
     * Counts a login as wrong before it is checked, so that many at a time cannot get past the limit. Undefined, or after how many
     * seconds there may be another.
     */
    take(address: string): number | undefined {
      const running = counts.get(address);
      if (running === undefined || now() - running.since >= MINUTE) {
        counts.set(address, { since: now(), count: 1 });
        return undefined;
      }
      if (running.count >= perMinute) return Math.ceil((running.since + MINUTE - now()) / 1000);
      running.count += 1;
      return undefined;
    },

    /** It was not wrong after all. */
    giveBack(address: string): void {
      const running = counts.peek(address);
      if (running !== undefined && running.count > 0) running.count -= 1;
    },
  };
}
