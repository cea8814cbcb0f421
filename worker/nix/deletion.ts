// Telling store paths that Nix deletes from those that it keeps, without asking Nix.
import { constants, lstatSync, type Stats } from 'node:fs';
import { TransientError } from '#core/errors.ts';

/**
 * Whether Nix has begun to delete a store path that is still there, or was killed over it. Folders of a store are read-only;
 * Nix makes the path's own writable before it takes anything out of it (its `deletePath`). To join equal files it does so
 * too, for a moment.
 */
export function isBeingDeleted(stats: Stats): boolean {
  return stats.isDirectory() && (stats.mode & constants.S_IWUSR) !== 0;
}

/**
 * To be called when all was read of the store path that lies at `real`: what was read is whole. Throws a
 * {@link TransientError} where some of it may have been deleted before.
 */
export function requireUndeleted(real: string): void {
  const stats = lstatSync(real, { throwIfNoEntry: false });
  if (stats !== undefined && !isBeingDeleted(stats)) return;
  throw new TransientError(`${real} was deleted from the store while it was read`);
}
