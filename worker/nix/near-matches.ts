// Names that someone may have meant who wrote one that is not there.
import { byCodeUnits } from '#core/order.ts';

const LIMIT = 3;

/** One component of an image's name (OCI distribution specification, "Pulling manifests"). */
const IMAGE_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/**
 * At most three of `names`, the members of the attribute `set` ('' for the whole package set), that look like the last
 * component of `name`; nearest first, as they are written in an image's name.
 */
export function nearMatches(name: string, set: string, names: readonly string[]): string[] {
  const depth = set === '' ? 0 : set.split('.').length;
  const wanted = name.toLowerCase().split('.')[depth] ?? '';
  const most = wanted.length <= 4 ? 1 : 2;
  const prefix = set === '' ? '' : `${set.toLowerCase()}.`;
  const near = new Map<string, number>();
  for (const candidate of names) {
    const written = toImageName(candidate);
    if (Math.abs(written.length - wanted.length) > most || !IMAGE_COMPONENT.test(written)) continue;
    const distance = editDistance(wanted, written);
    if (distance <= most) near.set(`${prefix}${written}`, distance);
  }
  return [...near]
    .toSorted(([a, distanceA], [b, distanceB]) => distanceA - distanceB || byCodeUnits(a, b))
    .slice(0, LIMIT)
    .map(([match]) => match);
}

/** As the resolver understands it: lower-case, and without the underscore that Nix wants before a digit. */
function toImageName(attribute: string): string {
  return attribute.toLowerCase().replace(/^_(?=[0-9])/, '');
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each for one. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const differs = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + differs,
          swapped ? at(beforeLast, column - 2) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
