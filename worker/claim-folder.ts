// A folder for one process alone, and for the next one after it: several workers may share a disk.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '#core/errors.ts';
import { lockFile } from './file-lock.ts';

/** More workers than one machine has. */
const LIMIT = 256;

/**
 * The first folder below `parent` (`0`, `1`, …) that no process has claimed; it stays this one's until it ends, however
 * it ends. Throws a {@link ConfigurationError} where none can be had.
 */
export async function claimFolder(parent: string): Promise<string> {
  try {
    for (let number = 0; number < LIMIT; number++) {
      const folder = join(parent, String(number));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Never given back: it is the process's.
      if ((await lockOf(folder)) !== undefined) return folder;
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigurationError(`the folder ${parent} cannot be used: ${error.message}`, { cause: error });
  }
  throw new ConfigurationError(`the folder ${parent} is in use by ${LIMIT} processes`);
}

/**
 * Calls `use` with each folder below `parent` that no process has claimed, and that none can claim meanwhile. What cannot be
 * locked is somebody's.
 */
export async function forEachAbandoned(
  parent: string,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    if (!entry.isDirectory() || !/^\d+$/.test(entry.name)) continue;
    const folder = join(parent, entry.name);
    using lock = await lockOf(folder);
    if (lock !== undefined) await use(folder);
  }
}

/** The name of the file that is locked; whatever else is in a folder is its owner's. */
export const LOCK = 'lock';

function lockOf(folder: string): Promise<Disposable | undefined> {
  return lockFile(join(folder, LOCK), { kind: 'exclusive', wait: false });
}
