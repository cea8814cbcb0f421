// Planners to compare with: the two ends of what can be done, and one path a layer as far as that goes.
import { demandOf } from '../known-demand.ts';
import type { PackageNode } from '../package-graph.ts';
import type { Planner } from './planner.ts';

/** Everything in one layer, as an image is that a Dockerfile's single RUN made. */
export const oneLayer: Planner = {
  title: 'one layer',
  prepare: () => image => [image.closure],
};

/** The least that can be sent and stored. Clients refuse images of so many layers. */
export const onePerPath: Planner = {
  title: 'one per path, no limit',
  prepare: workload => {
    const share = demandOf(workload);
    return ({ closure }) => inOrder(closure, share).map(node => [node]);
  },
};

/** A layer each for the paths that are worth most, by how often they are in images times their size; the rest is one. */
export const onePerPathWithin = (budget: number): Planner => ({
  title: `one per path, ${budget} by share × size`,
  prepare: workload => {
    const share = demandOf(workload);
    return ({ closure }) => {
      const ranked = inOrder(closure, node => share(node) * node.fileSize);
      const rest = ranked.slice(budget - 1);
      const single = inOrder(ranked.slice(0, budget - 1), share).map(node => [node]);
      return rest.length === 0 ? single : [...single, rest];
    };
  },
});

function inOrder(nodes: readonly PackageNode[], value: (node: PackageNode) => number): PackageNode[] {
  return nodes.toSorted((a, b) => value(b) - value(a) || a.id - b.id);
}
