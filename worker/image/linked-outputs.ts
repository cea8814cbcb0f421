// The outputs whose files an image has at its root.
import type { Closure, ClosureNode } from '#core/closure.ts';
import type { StorePath } from '#core/store-path.ts';
import type { FoundItem } from '../nix/resolve.ts';
import { byPrecedence, type Output } from '../pack/link-plan.ts';

export type LinkedOutput = ClosureNode & Output;

/**
 * The outputs of the packages that were asked for, each once, in the order that settles conflicts between their files.
 * The order of `items` and how they were spelled does not matter. Throws where one is not in the closure.
 */
export function linkedOutputs(items: readonly FoundItem[], nodes: Closure): LinkedOutput[] {
  const nodeOf = new Map(nodes.map(node => [node.path, node]));
  const outputs = new Map<StorePath, LinkedOutput>();
  for (const { path, priority } of items) {
    const node = nodeOf.get(path);
    if (node === undefined) throw new Error(`${path} is not in its own closure`);
    // Two attributes may be one package and differ in what they say of its priority.
    const least = Math.min(priority, outputs.get(path)?.priority ?? Infinity);
    outputs.set(path, { ...node, storePath: path, priority: least });
  }
  return [...outputs.values()].toSorted(byPrecedence);
}
