// Saying the same thing only so often.
import { LRUCache } from 'lru-cache';

/** Things beyond these are forgotten, and said again too soon rather than kept for ever. */
const REMEMBERED = 1_000;

/** Answers a function that says whether it is time: of each `what` once, and again after `periodMs` (milliseconds of `clock`). */
export function seldom(
  periodMs: number,
  clock: () => number = () => performance.now(),
): (what: string) => boolean {
  const said = new LRUCache<string, number>({ max: REMEMBERED });
  return what => {
    const now = clock();
    if (now - (said.get(what) ?? -Infinity) < periodMs) return false;
    said.set(what, now);
    return true;
  };
}
