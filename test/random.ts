// Random numbers that are the same in every run of one seed.

export interface Random {
  /** From 0 to 1, 1 excluded. */
  readonly next: () => number;
  /** A whole number from 0 to `limit`, that excluded. */
  readonly below: (limit: number) => number;
  /** The same values in another order. */
  readonly shuffled: <T>(values: readonly T[]) => T[];
  /** One of them. Throws where there is none. */
  readonly oneOf: <T>(values: readonly T[]) => T;
}

/** The generator Mulberry32 (public domain, Tommy Ettinger). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const below = (limit: number): number => Math.floor(next() * limit);

  function shuffled<T>(values: readonly T[]): T[] {
    const keyed = values.map(value => ({ value, key: next() }));
    return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value);
  }

  function oneOf<T>(values: readonly T[]): T {
    const [value] = values.slice(below(values.length)).slice(0, 1);
    if (value === undefined) throw new Error('there is nothing to choose from');
    return value;
  }

  return { next, below, shuffled, oneOf };
}
