// Store paths and what they refer to, as a graph whose nodes are numbers.
import type { ClosureNode } from './closure.ts';
import type { StorePath } from './store-path.ts';

/** A store path as the planner of layers sees it. */
export interface GraphNode extends Pick<ClosureNode, 'path' | 'narSize' | 'references'> {
  /** Bytes of the path as a binary cache has it compressed, where that is known. */
  readonly fileSize?: number;
}

/** Nodes go by their place, dependents before what they depend on. */
export interface DependencyGraph<N extends GraphNode> {
  readonly nodes: readonly N[];
  /** For each node the places of its direct dependencies, all of them larger than its own. */
  readonly dependencies: readonly (readonly number[])[];
  readonly placeOf: ReadonlyMap<StorePath, number>;
}

/**
 * The graph of `nodes`, each of which is there once and has all that it refers to among them. Throws where that is not
 * so, or where paths depend on each other in a circle: Nix has no such paths.
 */
export function dependencyGraph<N extends GraphNode>(nodes: readonly N[]): DependencyGraph<N> {
  const indexOf = new Map(nodes.map(({ path }, index) => [path, index]));
  if (indexOf.size !== nodes.length) throw new Error('a store path is in its graph twice');
  const references = nodes.map(({ path, references: all }) =>
    all.filter(reference => reference !== path).map(reference => found(indexOf, reference, path)),
  );
  const order = dependentsFirst(references);
  if (order.length !== nodes.length) throw new Error('store paths refer to each other in a circle');
  const placeOfIndex = new Map(order.map((index, place) => [index, place]));
  const ordered = order.flatMap(index => nodes.slice(index, index + 1));
  return {
    nodes: ordered,
    dependencies: order.map(index =>
      (references[index] ?? []).flatMap(reference => placeOfIndex.get(reference) ?? []),
    ),
    placeOf: new Map(ordered.map(({ path }, place) => [path, place])),
  };
}

function found(indexOf: ReadonlyMap<StorePath, number>, reference: StorePath, path: StorePath): number {
  const index = indexOf.get(reference);
  if (index === undefined) throw new Error(`${path} refers to ${reference}, which is not in its graph`);
  return index;
}

/** Kahn's algorithm; what lies on a circle, or below one, is left out. */
function dependentsFirst(references: readonly (readonly number[])[]): number[] {
  const waitingFor = references.map(() => 0);
  for (const reference of references.flat()) waitingFor[reference] = (waitingFor[reference] ?? 0) + 1;
  const order = [...waitingFor.keys()].filter(index => waitingFor[index] === 0);
  for (let at = 0; at < order.length; at += 1) {
    for (const reference of references[order[at] ?? 0] ?? []) {
      const waits = (waitingFor[reference] ?? 0) - 1;
      waitingFor[reference] = waits;
      if (waits === 0) order.push(reference);
    }
  }
  return order;
}

/** The places of everything that `starts` need, themselves included, each once. */
export function reachable(
  { dependencies }: Pick<DependencyGraph<GraphNode>, 'dependencies'>,
  starts: readonly number[],
): ReadonlySet<number> {
  const reached = new Set(starts);
  // A set hands out what is added while it is walked.
  for (const place of reached) for (const dependency of dependencies[place] ?? []) reached.add(dependency);
  return reached;
}
