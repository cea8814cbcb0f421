// Folders on the worker: a work tree of git is at its commit while nothing is changed, any other at a hash of its content.
import { TransientError } from '#core/errors.ts';
import type { SourceStore, StoredTree } from '../nix/store-source.ts';
import type { Git } from './git.ts';

/** What a folder holds now, copied, and its revision. Throws a {@link TransientError} where it cannot be read. */
export async function copyFolder(
  git: Git,
  store: SourceStore,
  folder: string,
  signal: AbortSignal,
): Promise<{ revision: string; tree: StoredTree }> {
  const commit = await workTreeRevision(git, folder, signal);
  const tree = await store.add(folder, signal);
  if (commit === undefined) return { revision: tree.narHash.replace('sha256:', ''), tree };
  if ((await workTreeRevision(git, folder, signal)) === commit) return { revision: commit, tree };
  throw new TransientError(`${folder} was changed while it was read`);
}

/** The commit of a work tree without changes, and without files that git does not know; undefined for any other folder. */
export async function workTreeRevision(
  git: Git,
  folder: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const status = await git(['-C', folder, 'status', '--porcelain', '--ignored', '--', '.'], { signal });
  if (!status.succeeded || status.stdout !== '') return undefined;
  const head = await git(['-C', folder, 'rev-parse', 'HEAD'], { signal });
  return head.succeeded ? head.stdout.trim() : undefined;
}
