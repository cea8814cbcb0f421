/** What listeners were told, in order, to be waited for. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #error: Error | undefined;
  #waiting = Promise.withResolvers<void>();

  readonly push = (item: T): void => {
    this.#items.push(item);
    this.#waiting.resolve();
  };

  /** Fails the wait for anything that did not come yet. */
  readonly fail = (error: Error): void => {
    this.#error = error;
    this.#waiting.resolve();
  };

  /** How many came and were not asked for. */
  get size(): number {
    return this.#items.length;
  }

  /** The next one that was not asked for yet. */
  async next(): Promise<T> {
    for (;;) {
      const [item] = this.#items.splice(0, 1);
      if (item !== undefined) return item;
      if (this.#error) throw this.#error;
      await this.#waiting.promise;
      this.#waiting = Promise.withResolvers<void>();
    }
  }

  /** The next one that is as wanted; those before it are dropped. */
  async until(wanted: (item: T) => boolean): Promise<T> {
    for (;;) {
      const item = await this.next();
      if (wanted(item)) return item;
    }
  }
}
