// How much an image is used: a count of its uses in which each weighs half as much every three days.

/** After how long a use weighs half. Milliseconds. */
export const HALF_LIFE_MS = 3 * 24 * 3_600_000;

export interface CountedUses {
  /** The count as it was at `usedAt`. Absent of what was used last before uses were counted. */
  readonly recentUses?: number | undefined;
  /** The last use, in milliseconds of the server's time. Absent of what never was used. */
  readonly usedAt?: number | undefined;
}

/** What the count has come down to at `now` (milliseconds of the server's time). */
export function recentUsesAt(
  { usedAt, recentUses = usedAt === undefined ? 0 : 1 }: CountedUses,
  now: number,
): number {
  // Servers' clocks differ: none is so far ahead that a count would grow by waiting.
  const age = Math.max(0, now - (usedAt ?? now));
  return recentUses * 2 ** (-age / HALF_LIFE_MS);
}

/** What a document says after one more use. */
export function usedOnceMore(uses: CountedUses, now: number): { usedAt: number; recentUses: number } {
  return { usedAt: now, recentUses: recentUsesAt(uses, now) + 1 };
}
