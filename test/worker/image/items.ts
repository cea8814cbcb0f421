// Packages as the resolver finds them, for tests of what becomes of them.
import type { ClosureNode } from '#core/closure.ts';
import { parseStorePath } from '#core/store-path.ts';
import type { FoundItem } from '#worker/nix/resolve.ts';
import { storePath } from '#test/worker/pack/trees.ts';

/** A package `name`, asked for by its own name; what is in `item` is otherwise. */
export function itemOf(name: string, item: Partial<FoundItem> = {}): FoundItem {
  const path = item.path ?? storePath(name);
  return {
    kind: 'found',
    name,
    attribute: name,
    drv: parseStorePath(`${path}.drv`),
    output: 'out',
    path,
    pname: name,
    mainProgram: null,
    priority: 5,
    ...item,
  };
}

/** The node of a store path that needs nothing. */
export function nodeOf({ path }: Pick<FoundItem, 'path'>, narSize = 100): ClosureNode {
  return { path, narHash: `sha256:${path}`, narSize, references: [] };
}
