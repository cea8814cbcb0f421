// The one order that everything which is hashed or packed is put in.

/**
 * Order by UTF-16 code units, whatever the locale. For ASCII (names, store paths) that is the order of the bytes.
 */
export function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
