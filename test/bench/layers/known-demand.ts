// What a workload lets planners know of demand, as a number for each package.
import { dependencyGraph } from '#core/dependency-graph.ts';
import { demandOfGraph } from '#core/layer-demand.ts';
import type { PackageNode } from './package-graph.ts';
import type { Workload } from './workload.ts';

/** How many of the images that were counted have the package; half of one where none had it. */
export function demandOf({
  demand,
  graph,
}: Pick<Workload, 'demand' | 'graph'>): (node: PackageNode) => number {
  const { counts } = 'counts' in demand ? demand : demandOfGraph(dependencyGraph(graph.nodes), demand);
  return ({ path }) => counts.get(path) ?? 0.5;
}
