// Locks between collections and those that they concern: the garbage collector's own, and one that the workers have.
import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Nix } from '../nix/nix.ts';
import { lockFile } from '../file-lock.ts';

/**
 * While it is held no collection of the store begins, by whomever; undefined where one is running. Nix holds this lock alone
 * for as long as it collects, and looks for roots when it has it (Nix's src/libstore/gc.cc): a link that is made while it is
 * shared is found by every collection that follows. Nix's other commands only try to share it, and do not wait.
 *
 * For a store whose state this process may write; of another, the daemon has the lock.
 */
export async function holdOffCollection({ stateFolder }: Nix): Promise<Disposable | undefined> {
  return lockFile(join(stateFolder, 'gc.lock'), { kind: 'shared', wait: false });
}

/** Has the workers of a store collect one at a time, and those that watch see it. `collecting` is their file for that. */
export async function takeCollection(collecting: string): Promise<Disposable | undefined> {
  const held = await lockFile(collecting, { kind: 'exclusive', wait: true });
  try {
    const now = new Date();
    await utimes(collecting, now, now);
  } catch (error) {
    held?.[Symbol.dispose]();
    throw error;
  }
  return held;
}

export interface CollectionWatch {
  /** Whether there was a collection at any time since it was begun. */
  readonly hasSeenOne: () => Promise<boolean>;
}

/** Sees each collection that {@link takeCollection} began, one that ended before its end too, and none by others. */
export async function watchCollections(collecting: string): Promise<CollectionWatch> {
  const lastBegun = async (): Promise<number> => (await stat(collecting)).mtimeMs;
  const before = await lastBegun();
  using free = await lockFile(collecting, { kind: 'shared', wait: false });
  const wasOn = free === undefined;
  return { hasSeenOne: async () => wasOn || (await lastBegun()) !== before };
}
