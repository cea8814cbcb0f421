/**
 * Makes message ids: digits that only grow, as Google's do, and never come twice, although ids of acknowledged messages
 * are forgotten: they count microseconds of the clock, and go on from `last` where the clock went back.
 */
export function messageIds(last: number): () => string {
  let newest = last;
  return () => {
    newest = Math.max(newest + 1, Date.now() * 1000);
    return String(newest);
  };
}
