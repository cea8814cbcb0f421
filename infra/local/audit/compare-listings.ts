// Where the files of two images differ, store path by store path.
import { byCodeUnits } from '#core/order.ts';
import type { Listed, Listing } from './tar-listing.ts';

/** Files of one store path, or of the tree of links, that are not the same in both. */
export interface PathDifference {
  /** `/nix/store/…`, or what else the files belong to. */
  readonly of: string;
  /** `bin/hello: other content: served …, rebuilt …` */
  readonly lines: readonly string[];
}

export const LINKS = 'the tree of links';

export function compareListings(served: Listing, rebuilt: Listing): PathDifference[] {
  const differences = new Map<string, string[]>();
  const paths = [...new Set([...served.keys(), ...rebuilt.keys()])].toSorted(byCodeUnits);
  for (const path of paths) {
    const line = compare(served.get(path), rebuilt.get(path));
    if (line === undefined) continue;
    const { of, rest } = placeOf(path);
    const lines = differences.get(of) ?? [];
    differences.set(of, [...lines, `${rest}: ${line}`]);
  }
  return [...differences].map(([of, lines]) => ({ of, lines }));
}

function compare(served: Listed | undefined, rebuilt: Listed | undefined): string | undefined {
  if (served === undefined) return 'only in the rebuilt image';
  if (rebuilt === undefined) return 'only in the served image';
  if (served.kind !== rebuilt.kind) return `served a ${served.kind}, rebuilt a ${rebuilt.kind}`;
  const fields = (['content', 'mode', 'owner', 'time'] as const).filter(
    field => served[field] !== rebuilt[field],
  );
  if (fields.length === 0) return undefined;
  return fields.map(field => `${field} served ${served[field]}, rebuilt ${rebuilt[field]}`).join('; ');
}

function placeOf(path: string): { of: string; rest: string } {
  const [, store, rest] = /^(nix\/store\/[^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
  if (store === undefined) return { of: LINKS, rest: `/${path}` };
  return { of: `/${store}`, rest: rest ?? 'the path itself' };
}
