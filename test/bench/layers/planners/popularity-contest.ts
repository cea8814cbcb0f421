// nixpkgs' dockerTools until November 2024: what most of the image's own paths lead to has a layer of its own.
import { dependentsFirst, type PackageNode } from '../package-graph.ts';
import { byName } from '#core/store-path.ts';
import type { Planner } from './planner.ts';

const LAYERS = 100;

export const popularityContest: Planner = {
  title: 'popularity contest (dockerTools)',
  prepare:
    () =>
    ({ closure }) => {
      const walks = walksTo(closure);
      const popularity = (node: PackageNode): number => walks.get(node) ?? 0;
      const ranked = closure.toSorted((a, b) => popularity(b) - popularity(a) || byName(a.path, b.path));
      const single = ranked.slice(0, LAYERS - 1).map(node => [node]);
      const rest = ranked.slice(LAYERS - 1);
      return rest.length === 0 ? single : [...single, rest];
    },
};

/** In how many ways one gets to each path from those that nothing depends on. */
function walksTo(closure: readonly PackageNode[]): ReadonlyMap<PackageNode, number> {
  const walks = new Map<PackageNode, number>();
  for (const node of dependentsFirst(closure)) {
    const here = walks.get(node) ?? 1;
    walks.set(node, here);
    for (const dependency of node.dependencies) walks.set(dependency, (walks.get(dependency) ?? 0) + here);
  }
  return walks;
}
