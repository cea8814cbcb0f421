// Calls of Firestore on the way of pulls: bounded in number, in time, and in how long one waits for its turn in vain.
import pLimit from 'p-limit';
import { TransientError } from '#core/errors.ts';
import { isUnreachable, within } from '#core/google/firestore.ts';

/**
 * Calls at a time. When a thousand pulls come at once, a thousand calls would take Firestore's client ten connections and
 * hundreds of megabytes, for answers that come no sooner.
 */
const AT_ONCE = 64;

/** Throws a {@link TransientError} where there is no answer within the limit. */
export type FirestoreCall = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * `limitMs`: the longest that one call may take, its turn not counted. A call whose turn comes when those before it have met silence
 * fails with them: none waits longer for nothing than one call may.
 */
export function createFirestoreCalls(limitMs: number): FirestoreCall {
  const inTurn = pLimit(AT_ONCE);
  let silentAt = Number.NEGATIVE_INFINITY;

  return work => {
    const askedAt = performance.now();
    return inTurn(async () => {
      if (silentAt > askedAt) throw new TransientError('Firestore did not answer those who asked before');
      try {
        const answer = await within(limitMs, work());
        silentAt = Number.NEGATIVE_INFINITY;
        return answer;
      } catch (error) {
        if (isSilence(error)) silentAt = performance.now();
        throw error;
      }
    });
  };
}

/** Whether an error says that Firestore did not answer, in time or at all. */
export function isSilence(error: unknown): boolean {
  return isUnreachable(error) || error instanceof TransientError;
}
