// Calls of Firestore on the way of pulls: bounded in number and in time.
import pLimit from 'p-limit';
import { TransientError } from '#core/errors.ts';
import { within } from '#core/google/firestore.ts';

/**
 * Calls at a time. When a thousand pulls come at once, a thousand calls would take Firestore's client ten connections and
 * hundreds of megabytes, for answers that come no sooner.
 */
const AT_ONCE = 64;

/**
 * A call within so many milliseconds, its turn included. Throws a {@link TransientError} otherwise; whose time is over before its
 * turn comes is not made.
 */
export type FirestoreCall = <T>(limitMs: number, work: () => Promise<T>) => Promise<T>;

export function createFirestoreCalls(): FirestoreCall {
  const calls = pLimit(AT_ONCE);

  return (limitMs, work) => {
    const until = performance.now() + limitMs;
    const inTurn = async () => {
      const leftMs = Math.ceil(until - performance.now());
      if (leftMs <= 0) throw new TransientError('its turn came too late');
      return within(leftMs, work());
    };
    return within(limitMs, calls(inTurn));
  };
}
