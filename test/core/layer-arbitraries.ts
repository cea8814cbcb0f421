// Random package sets, and images of them, for the properties of the layer planner.
import * as fc from 'fast-check';
import type { GraphNode } from '#core/dependency-graph.ts';
import type { GraphPrior } from '#core/layer-demand.ts';
import { parseStorePath, type StorePath } from '#core/store-path.ts';

export interface PackageSet {
  /** Closed under references, dependencies first. */
  readonly nodes: readonly GraphNode[];
  readonly known: GraphPrior;
}

/** Sizes on both sides of what a layer is worth, and some that are equal. */
const size = fc.constantFrom(1000, 60_000, 60_000, 300_000, 400_000, 2_000_000, 90_000_000);

/** Names of which several paths may have one: then the hash decides. */
const name = fc.constantFrom(
  'glibc-2.40',
  'zlib-1.3',
  'zlib-1.3-dev',
  'perl-5',
  'python3-3.12',
  'git',
  'hello',
  'B',
  'a',
);

/** Package sets whose paths depend on some of those made before them. */
export const packageSet: fc.Arbitrary<PackageSet> = fc
  .array(fc.record({ name, size, below: fc.array(fc.nat(), { maxLength: 4 }) }), {
    minLength: 1,
    maxLength: 40,
  })
  .map(parts => {
    const nodes: GraphNode[] = [];
    for (const [i, part] of parts.entries()) {
      const hash = ((i * 17) % 41).toString().padStart(32, '0');
      const below = i === 0 ? [] : part.below.flatMap(number => nodes[number % i]?.path ?? []);
      nodes.push({
        path: parseStorePath(`/nix/store/${hash}-${part.name}`),
        narSize: part.size,
        references: [...new Set(below)],
      });
    }
    return nodes;
  })
  .chain(nodes => {
    const some = fc.subarray(nodes.map(({ path }) => path));
    return some.map(roots => ({
      nodes,
      known: { roots, inEvery: roots.slice(0, 1), inShells: roots.slice(-2) },
    }));
  });

/** The closure of some paths. */
export function closureOf(nodes: readonly GraphNode[], requested: readonly StorePath[]): GraphNode[] {
  const nodeOf = new Map(nodes.map(node => [node.path, node]));
  const reached = new Set(requested);
  for (const path of reached) for (const next of nodeOf.get(path)?.references ?? []) reached.add(next);
  return nodes.filter(({ path }) => reached.has(path));
}

/** The same values in another order. */
export function shuffled<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length, maxLength: values.length });
}
