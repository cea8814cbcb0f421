// Which store paths share a layer: one layer a path up to a budget, the rest together.
import type { Closure, ClosureNode } from './closure.ts';
import { byCodeUnits } from './order.ts';

/** Layers of store paths per image. Docker's graph drivers stop at 127 in all; one more is the layer of links. */
export const LAYER_BUDGET = 100;

/**
 * The layers of a closure, each a group of store paths. The largest paths have a layer of their own, since those are
 * worth sharing; the rest is one group. Ordered by size, largest first, then by path: the same whatever the order of
 * the input.
 */
export function planLayers(closure: Closure, budget = LAYER_BUDGET): ClosureNode[][] {
  const ordered = closure.toSorted((a, b) => b.narSize - a.narSize || byCodeUnits(a.path, b.path));
  if (ordered.length <= budget) return ordered.map(node => [node]);
  const singles = ordered.slice(0, budget - 1).map(node => [node]);
  return [...singles, ordered.slice(budget - 1).toSorted((a, b) => byCodeUnits(a.path, b.path))];
}
