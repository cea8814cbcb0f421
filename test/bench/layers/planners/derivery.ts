// The planner of this project.
import { planLayers } from '#core/layer-plan.ts';
import { makeSnapshot } from '#core/layer-snapshot.ts';
import type { Planner } from './planner.ts';

export const derivery: Planner = {
  title: 'Derivery',
  prepare: ({ graph, demand }) => {
    const snapshot = makeSnapshot(graph.nodes, demand);
    return ({ requested, closure }) =>
      planLayers(closure, { snapshot, requested: requested.map(({ path }) => path) }).map(
        ({ nodes }) => nodes,
      );
  },
};
