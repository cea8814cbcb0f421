// How many new builds one caller may begin in an hour: those that it has begun, and when there is room for the next.
import { z } from 'zod';
import { HOUR_MS } from './image-life.ts';

/** The most that an hour may be given: each one begun is a field of one document until it is an hour old. */
export const LARGEST_QUOTA = 1_000;

export const buildQuotaSchema = z.object({
  /** When the builds of the last hour were begun. Milliseconds since the epoch, the oldest first. */
  startedAt: z.array(z.number()),
  /** From when on nothing of this counts any more: the database may remove it. */
  expireAt: z.number(),
});

export type BuildQuota = z.infer<typeof buildQuotaSchema>;

export type Taken =
  | { readonly kind: 'taken'; readonly next: BuildQuota }
  /** `roomAt`: when the next may be begun. */
  | { readonly kind: 'exhausted'; readonly roomAt: number };

/**
 * Begins one build more at `now` (server time, milliseconds), if there were fewer than `limit` (1 or more) within the last hour:
 * whichever hour is looked at, no more than that begin in it.
 */
export function takeBuild(quota: BuildQuota | undefined, limit: number, now: number): Taken {
  const counting = quota?.startedAt.filter(startedAt => now - startedAt < HOUR_MS) ?? [];
  // There may be more than `limit`, from before it was lowered.
  const leavesFirst = counting.at(-limit);
  if (counting.length >= limit && leavesFirst !== undefined) {
    return { kind: 'exhausted', roomAt: leavesFirst + HOUR_MS };
  }
  return { kind: 'taken', next: { startedAt: [...counting, now], expireAt: now + HOUR_MS } };
}
