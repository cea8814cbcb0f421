// The layer of links: what makes a heap of store paths look like a system.
import { setImmediate } from 'node:timers/promises';
import { byCodeUnits } from '#core/order.ts';
import { planLinks, type Output, type PlannedNode, type ReadOutput } from './link-plan.ts';
import { readOutputTree } from './output-tree.ts';
import { addRootFiles, folderMode } from './root-files.ts';
import type { RealPath } from './store-entries.ts';
import type { TarEntry } from './tar-header.ts';

/**
 * The entries of the layer of links for the outputs that were asked for: their folders merged (by the rule of
 * {@link planLinks}), and the root's own files. Errors as {@link walk} has them.
 */
export async function linksLayer(outputs: readonly Output[], realPath: RealPath): Promise<TarEntry[]> {
  const read: ReadOutput[] = [];
  for (const output of outputs) {
    read.push({ ...output, tree: readOutputTree(realPath(output.storePath)) });
    // Reading is synchronous; the lease's renewal and the like get their turn between two outputs.
    await setImmediate();
  }
  const plan = planLinks(read);
  addRootFiles(plan);
  return [...plan]
    .toSorted(([a], [b]) => byCodeUnits(sortKey(a), sortKey(b)))
    .map(([path, node]) => toEntry(path, node));
}

/** Orders paths name by name, so that a folder's content comes right after it: a slash sorts before all bytes of names. */
function sortKey(path: string): string {
  return path.replaceAll('/', '\0');
}

function toEntry(path: string, node: PlannedNode): TarEntry {
  const name = Buffer.from(path, 'latin1');
  switch (node.kind) {
    case 'directory':
      return { kind: 'directory', name, mode: folderMode(path) };
    case 'link':
      return { kind: 'symlink', name, mode: 0o777, target: Buffer.from(node.target, 'latin1') };
    case 'file': {
      const content = Buffer.from(node.content);
      return { kind: 'file', name, mode: 0o644, size: content.length, content: () => [content] };
    }
  }
}
