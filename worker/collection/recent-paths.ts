// The packages that were used last, kept in the store for images to come, by the time of their last use.
import { lstat, lutimes, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import pLimit from 'p-limit';
import type { StorePath } from '#core/store-path.ts';
import { isSystemError } from '../is-system-error.ts';
import type { Nix } from '../nix/nix.ts';
import { linkRoot, type RootsFolder } from './link-roots.ts';

export interface RecentPaths {
  /** Keeps paths with all that they need, as used now. A build has to keep them meanwhile. */
  add(paths: readonly StorePath[], signal: AbortSignal): Promise<void>;
  /**
   * Notes a use; answers whether all have been kept ever since they were added. What has been is whole: what was not may
   * have been deleted in part, by a collection that was killed.
   */
  touch(paths: readonly StorePath[]): Promise<boolean>;
  /** Keeps the `count` paths that were used longest ago no more; answers how many these are. */
  forget(count: number): Promise<number>;
  /** How many there are. */
  count(): Promise<number>;
}

/** Nix processes at a time, where it takes one for each path. */
const AT_A_TIME = 4;

/**
 * In a folder that all workers of a store share; the time of a link is that of the last use. `others` names
 * folders with links of the same kind that somebody else makes anew with each use.
 */
export function createRecentPaths(
  nix: Nix,
  folder: RootsFolder,
  others: () => Promise<readonly string[]>,
): RecentPaths {
  const linkOf = (path: StorePath): string => join(folder.path, basename(path));

  async function use(path: StorePath): Promise<boolean> {
    const now = new Date();
    try {
      await lutimes(linkOf(path), now, now);
      return true;
    } catch (error) {
      ignoreMissing(error);
      return false;
    }
  }

  async function byLastUse(): Promise<string[]> {
    const links: { file: string; usedAt: number }[] = [];
    for (const parent of [folder.path, ...(await others())]) {
      for (const name of (await readdir(parent).catch(ignoreMissing)) ?? []) {
        const file = join(parent, name);
        const stat = await lstat(file).catch(ignoreMissing);
        if (stat?.isSymbolicLink() === true) links.push({ file, usedAt: stat.mtimeMs });
      }
    }
    return links.toSorted((a, b) => a.usedAt - b.usedAt).map(({ file }) => file);
  }

  return {
    async add(paths, signal) {
      const atATime = pLimit(AT_A_TIME);
      await Promise.all(
        paths.map(path => atATime(async () => (await use(path)) || linkRoot(nix, folder, path, signal))),
      );
    },
    async touch(paths) {
      const used = await Promise.all(paths.map(use));
      return used.every(Boolean);
    },
    async forget(count) {
      const oldest = (await byLastUse()).slice(0, count);
      await Promise.all(oldest.map(file => rm(file, { force: true })));
      return oldest.length;
    },
    async count() {
      return (await byLastUse()).length;
    },
  };
}

/** Another worker of the same store may have forgotten it. */
function ignoreMissing(error: unknown): undefined {
  if (isSystemError(error) && error.code === 'ENOENT') return undefined;
  throw error;
}
