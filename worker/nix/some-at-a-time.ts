// Doing the same with many things, a few at a time, and nothing more once one of them fails.
import pLimit from 'p-limit';

/**
 * The results of `work` on each item, in their order. The first error aborts the signal of what is under way, and is thrown
 * when all of it has ended.
 */
export async function someAtATime<Item, Result>(
  limit: number,
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const atATime = pLimit(limit);
  const results: Result[] = [];
  const doOne = async (item: Item, index: number): Promise<void> => {
    if (stop.aborted) return;
    try {
      results[index] = await work(item, stop);
    } catch (error) {
      failed.abort(error);
    }
  };
  await Promise.all(items.map((item, index) => atATime(doOne, item, index)));
  stop.throwIfAborted();
  return results;
}
