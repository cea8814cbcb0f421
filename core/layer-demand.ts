// How often the store paths of a package set are in images: counted, or told from the graph alone.
import type { DependencyGraph, GraphNode } from './dependency-graph.ts';
import { reachable } from './dependency-graph.ts';
import type { StorePath } from './store-path.ts';

export interface Demand {
  /** Images that were counted. */
  readonly images: number;
  /** Of these, how many have a path: at least as many as have any of its dependents. Paths that are in none are left out. */
  readonly counts: ReadonlyMap<StorePath, number>;
}

export interface GraphPrior {
  /** What can be asked for: each is taken for one image. */
  readonly roots: readonly StorePath[];
  /** What every image gets besides. */
  readonly inEvery: readonly StorePath[];
  /** What the meta-package `shell` adds. */
  readonly inShells: readonly StorePath[];
}

/** The part of all images that are taken to have a shell. */
const SHELL_SHARE = 0.6;

/**
 * What can be said without having seen an image: a path is in as many as there are roots that need it. What every image
 * gets, and what a shell needs, are credited as such: they lie below all else, where the order of layers counts most.
 * Paths that are not in the graph are passed over.
 */
export function demandOfGraph(
  graph: DependencyGraph<GraphNode>,
  { roots, inEvery, inShells }: GraphPrior,
): Demand {
  const starts = places(graph, roots);
  const counts = graph.nodes.map(() => 0);
  for (const root of starts) {
    for (const place of reachable(graph, [root])) counts[place] = (counts[place] ?? 0) + 1;
  }
  for (const place of reachable(graph, places(graph, inShells))) {
    const count = counts[place] ?? 0;
    counts[place] = count + SHELL_SHARE * (starts.length - count);
  }
  for (const place of reachable(graph, places(graph, inEvery))) counts[place] = starts.length;
  return demandOf(
    starts.length,
    graph.nodes.map(({ path }, place) => [path, counts[place] ?? 0]),
  );
}

function places({ placeOf }: DependencyGraph<GraphNode>, paths: readonly StorePath[]): number[] {
  return [...new Set(paths)].flatMap(path => placeOf.get(path) ?? []);
}

/** What images that were made have told: the paths of each, which are a closure. */
export function demandOfImages(images: Iterable<Iterable<StorePath>>): Demand {
  const counts = new Map<StorePath, number>();
  let number = 0;
  for (const paths of images) {
    number += 1;
    for (const path of new Set(paths)) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return demandOf(number, [...counts]);
}

function demandOf(images: number, counts: readonly (readonly [StorePath, number])[]): Demand {
  return { images, counts: new Map(counts.filter(([, count]) => count > 0)) };
}
