// Work that is done once for all who ask at the same time.

export type SharedWork<K, T> = (key: K, work: () => Promise<T>) => Promise<T>;

interface Run<T> {
  /** For those who asked after it began. */
  next?: PromiseWithResolvers<T> & { readonly work: () => Promise<T> };
}

/**
 * Runs work one at a time for each key. Whoever asks while it is under way shares the next run with all others who do: what
 * comes of a run was looked at after the question, never before. Where a run fails, those who wait for the next fail with it.
 */
export function createSharedWork<K, T>(): SharedWork<K, T> {
  const running = new Map<K, Run<T>>();

  async function start(key: K, work: () => Promise<T>): Promise<T> {
    const run: Run<T> = {};
    running.set(key, run);
    try {
      const result = await work();
      running.delete(key);
      run.next?.resolve(start(key, run.next.work));
      return result;
    } catch (error) {
      running.delete(key);
      run.next?.reject(error);
      throw error;
    }
  }

  return (key, work) => {
    const run = running.get(key);
    if (run === undefined) return start(key, work);
    run.next ??= { ...Promise.withResolvers<T>(), work };
    return run.next.promise;
  };
}
