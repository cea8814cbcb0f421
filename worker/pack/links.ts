// The layer of links: what makes a heap of store paths look like a system.
import { setImmediate } from 'node:timers/promises';
import type { User } from '#core/meta-packages.ts';
import { byCodeUnits } from '#core/order.ts';
import type { Owner } from '#core/owner.ts';
import { planLinks, type Output, type PlannedNode, type ReadOutput } from './link-plan.ts';
import { readOutputTree } from './output-tree.ts';
import { addRootFiles, folderMode, ownerOf } from './root-files.ts';
import type { RealPath } from './store-entries.ts';
import type { TarEntry } from './tar-header.ts';

export interface LinksOptions {
  readonly realPath: RealPath;
  /** Whom programs run as. */
  readonly user: User;
  /** Whom the files belong to. */
  readonly owner: Owner;
}

/**
 * The entries of the layer of links for the outputs that were asked for: their folders merged (by the rule of
 * {@link planLinks}), and the root's own files (by that of {@link addRootFiles}). Errors as {@link walk} has them.
 */
export async function linksLayer(
  outputs: readonly Output[],
  { realPath, user, owner }: LinksOptions,
): Promise<TarEntry[]> {
  const read: ReadOutput[] = [];
  for (const output of outputs) {
    read.push({ ...output, tree: readOutputTree(realPath(output.storePath)) });
    // Reading is synchronous; the lease's renewal and the like get their turn between two outputs.
    await setImmediate();
  }
  const plan = planLinks(read);
  addRootFiles(plan, user);
  return Array.from(plan, ([path, node]) => ({ key: sortKey(path), path, node }))
    .toSorted((a, b) => byCodeUnits(a.key, b.key))
    .map(({ path, node }) => toEntry(path, node, ownerOf(path, user, owner)));
}

/** Orders paths name by name, so that a folder's content comes right after it: a slash sorts before all bytes of names. */
function sortKey(path: string): string {
  return path.replaceAll('/', '\0');
}

function toEntry(path: string, node: PlannedNode, owner: Owner): TarEntry {
  const name = Buffer.from(path, 'latin1');
  switch (node.kind) {
    case 'directory':
      return { kind: 'directory', name, owner, mode: folderMode(path) };
    case 'link':
      return { kind: 'symlink', name, owner, mode: 0o777, target: Buffer.from(node.target, 'latin1') };
    case 'file': {
      const content = Buffer.from(node.content);
      return { kind: 'file', name, owner, mode: 0o644, size: content.length, content: () => [content] };
    }
  }
}
