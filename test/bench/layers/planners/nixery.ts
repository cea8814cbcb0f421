// Nixery's planner (`layers/layers.go`), with a popularity count that is fresh and exact: its best case.
import { closureOf, dependentsFirst, narBytes, type PackageNode } from '../package-graph.ts';
import type { Planner } from './planner.ts';

const LAYERS = 94;
const POPULAR = 100;
const BIG = 100_000_000;
/** What Nixery puts into every image has this popularity. */
const ALWAYS_POPULAR = 500_000;

interface RatedLayer {
  readonly rating: number;
  readonly nodes: readonly PackageNode[];
}

/**
 * A layer for each path that only the image as a whole, or that popularity or the size of its closure, puts above the others, with what
 * it dominates. The two of the lowest rating are merged while there are too many; the merged one stays first in the list.
 *
 * Nixery goes through the paths in the order of a Go map and sorts unstably, so equal ratings come in any order: here in
 * that of the closure.
 */
export const nixery: Planner = {
  title: 'Nixery',
  prepare: ({ graph }) => {
    const always = new Set(['ca-certificates', 'netbase'].map(graph.named));
    const popularity = (node: PackageNode): number =>
      always.has(node) ? ALWAYS_POPULAR : Math.max(node.dependents, 1);
    const closureSize = closureSizes();

    return ({ requested, closure }) => {
      const isOnTop = (node: PackageNode): boolean =>
        closureSize(node) > BIG || popularity(node) >= POPULAR || requested.includes(node);
      const heads = headsOf(closure, isOnTop);
      const layers = [...Map.groupBy(closure, node => heads.get(node) ?? node)].map(([head, nodes]) => ({
        rating: popularity(head) * nodes.reduce((sum, node) => sum + closureSize(node), 0),
        nodes,
      }));
      return merged(layers.toSorted((a, b) => a.rating - b.rating))
        .toSorted((a, b) => b.rating - a.rating)
        .map(({ nodes }) => nodes);
    };
  },
};

/**
 * The child of the root in the dominator tree that each path is below of: the one that all its dependents are below of,
 * where it is one, and else the path itself.
 */
function headsOf(
  closure: readonly PackageNode[],
  isOnTop: (node: PackageNode) => boolean,
): ReadonlyMap<PackageNode, PackageNode> {
  const heads = new Map<PackageNode, PackageNode>();
  for (const node of dependentsFirst(closure)) {
    const head = isOnTop(node) ? node : (heads.get(node) ?? node);
    heads.set(node, head);
    for (const dependency of node.dependencies) {
      const other = heads.get(dependency);
      heads.set(dependency, other === undefined || other === head ? head : dependency);
    }
  }
  return heads;
}

function merged(layers: readonly RatedLayer[]): RatedLayer[] {
  const surplus = layers.length - LAYERS;
  if (surplus <= 0) return [...layers];
  const first = layers.slice(0, surplus + 1);
  return [
    {
      rating: first.reduce((sum, { rating }) => sum + rating, 0),
      nodes: first.flatMap(({ nodes }) => nodes),
    },
    ...layers.slice(surplus + 1),
  ];
}

/** Nixery's sizes are those of closures. */
function closureSizes(): (node: PackageNode) => number {
  const known = new Map<PackageNode, number>();
  return node => {
    const size = known.get(node) ?? narBytes(closureOf([node]));
    known.set(node, size);
    return size;
  };
}
