// Folders on the worker: a work tree of git is at its commit while nothing is changed, any other at a hash of its content.
import { stat } from 'node:fs/promises';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { SourceStore, StoredTree } from '../nix/store-source.ts';
import type { Git } from './git.ts';

/**
 * What a folder holds now, copied, and its revision. Throws a {@link PermanentError} where there is none, and a
 * {@link TransientError} where it cannot be read.
 */
export async function copyFolder(
  git: Git,
  store: SourceStore,
  folder: string,
  signal: AbortSignal,
): Promise<{ revision: string; tree: StoredTree }> {
  await requireThere(folder);
  const commit = await workTreeRevision(git, folder, signal);
  const tree = await store.add(folder, signal);
  if (commit === undefined) return { revision: tree.narHash.replace('sha256:', ''), tree };
  if ((await workTreeRevision(git, folder, signal)) === commit) return { revision: commit, tree };
  throw new TransientError(`${folder} was changed while it was read`);
}

async function requireThere(folder: string): Promise<void> {
  try {
    await stat(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      const message = `there is no folder ${folder} on the worker`;
      throw new PermanentError({ kind: 'unknown_source', message });
    }
    throw new TransientError(`${folder} cannot be read: ${error.message}`);
  }
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
