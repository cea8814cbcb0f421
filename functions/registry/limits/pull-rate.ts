// Pulls by tag in a minute: counted on each instance by itself, in a bounded memory.
import { LRUCache } from 'lru-cache';
import type { Account } from './account.ts';
import { overLimit } from './over-limit.ts';

const MINUTE_MS = 60_000;

/**
 * Callers that an instance remembers, in a few hundred bytes each; those not heard of for longest are forgotten. Most would have
 * been free again by then, and whoever has more addresses than this needs none of them twice.
 */
const CALLERS = 10_000;

export interface PullRate {
  /** Counts a pull. Throws a 429, and counts nothing, where the caller has had too many. */
  readonly count: (account: Account) => void;
}

/**
 * As many pulls at once as a minute may have, and then as many as the time that goes by gives back (the generic cell rate
 * algorithm, ITU-T I.371: one number for each caller). `now`: milliseconds on a clock that does not go back.
 */
export function createPullRate(now: () => number = () => performance.now()): PullRate {
  /** When all that a caller has had will have been given back. */
  const paidOff = new LRUCache<string, number>({ max: CALLERS });

  return {
    count(account) {
      const { id, limits } = account;
      if (limits.pullsPerMinute === Infinity) return;
      const cost = MINUTE_MS / limits.pullsPerMinute;
      const time = now();
      const after = Math.max(paidOff.get(id) ?? 0, time) + cost;
      const roomIn = after - time - MINUTE_MS;
      // Less than a microsecond is what sums of fractions are off by.
      if (roomIn > 0.001) {
        throw overLimit(
          account,
          'pulls a minute',
          limits.pullsPerMinute,
          roomIn,
          'run the same pull again then',
        );
      }
      paidOff.set(id, after);
    },
  };
}
