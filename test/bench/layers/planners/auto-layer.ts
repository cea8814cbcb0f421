// nixpkgs' dockerTools since November 2024 (`auto-layer.py`): the largest paths of an image, with what only they need.
import { closureOf, dependentsFirst, narBytes, type PackageNode } from '../package-graph.ts';
import { byName } from '#core/store-path.ts';
import type { Planner } from './planner.ts';

const LAYERS = 100;

/**
 * The largest path becomes a primary one, then the next, while the layers are few enough. A path shares a layer with those
 * that the same primary paths are nearest above of. Ordered by all that a layer needs, the least first.
 */
export const autoLayer: Planner = {
  title: 'auto-layer (dockerTools)',
  prepare:
    () =>
    ({ closure }) => {
      const above = pathsAbove(closure);
      const bySize = closure.toSorted((a, b) => b.narSize - a.narSize || byName(a.path, b.path));
      let nearest = new Map(closure.map(node => [node, new Set<PackageNode>()]));
      for (const primary of bySize) {
        const split = withPrimary(nearest, primary, above.get(primary) ?? new Set());
        if (new Set([...split.values()].map(keyOf)).size > LAYERS) break;
        nearest = split;
      }
      const groups = [...Map.groupBy(nearest, ([, primaries]) => keyOf(primaries)).values()];
      return groups
        .map(members => members.map(([node]) => node).toSorted((a, b) => byName(a.path, b.path)))
        .map(nodes => ({ nodes, needs: narBytes(closureOf(nodes)) }))
        .toSorted((a, b) => a.needs - b.needs || byFirst(a.nodes, b.nodes))
        .map(({ nodes }) => nodes);
    },
};

type Nearest = Map<PackageNode, Set<PackageNode>>;

/** The primary path stands for itself, and for those below it that nothing primary stands between. */
function withPrimary(nearest: Nearest, primary: PackageNode, above: ReadonlySet<PackageNode>): Nearest {
  const split = new Map(nearest);
  split.set(primary, new Set([primary]));
  const below = closureOf([primary]);
  for (const node of below) {
    if (node === primary) continue;
    const primaries = (nearest.get(node) ?? new Set()).difference(above);
    split.set(node, primaries.isDisjointFrom(below) ? primaries.add(primary) : primaries);
  }
  return split;
}

function pathsAbove(closure: readonly PackageNode[]): Nearest {
  const above: Nearest = new Map(closure.map(node => [node, new Set()]));
  for (const node of dependentsFirst(closure)) {
    for (const dependency of node.dependencies) {
      const known = above.get(dependency);
      known?.add(node);
      for (const higher of above.get(node) ?? []) known?.add(higher);
    }
  }
  return above;
}

const keyOf = (primaries: ReadonlySet<PackageNode>): string =>
  [...primaries]
    .map(({ id }) => id)
    .toSorted((a, b) => a - b)
    .join();

function byFirst([a]: readonly PackageNode[], [b]: readonly PackageNode[]): number {
  return a === undefined || b === undefined ? 0 : byName(a.path, b.path);
}
