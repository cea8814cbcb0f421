// The one order that everything which is hashed or packed is put in.

/**
 * Order by UTF-16 code units, whatever the locale. For ASCII (names, store paths) that is the order of the bytes.
 */
export function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The same value with the keys of its objects in order: JSON that means the same is written the same. */
export function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => byCodeUnits(a, b))
      .map(([name, member]) => [name, inKeyOrder(member)]),
  );
}
