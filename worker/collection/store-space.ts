// How much a store takes, and how much its disk has left.
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { TransientError } from '#core/errors.ts';
import { parseDump } from '../nix/closure.ts';
import { errorMessage } from '../nix/nix-message.ts';
import type { Nix } from '../nix/nix.ts';
import { runNix } from '../nix/run-nix.ts';

/** Of the file system that the store is on. Bytes. */
export interface DiskSpace {
  readonly total: number;
  readonly used: number;
  /** For this process to use. Where files run out before bytes do, it is what as many files as are left may take. */
  readonly free: number;
}

/** Bytes that a file of a store takes on average: ext4 has one file for so many where it was made for a store. */
const BYTES_PER_FILE = 8192;

/** What statfs(2) says: at once, whatever the store's size, but of all that the disk has. */
export async function diskSpace({ stateFolder }: Nix): Promise<DiskSpace> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(join(stateFolder, '../../store'));
  const bytes = bavail * bsize;
  // Some file systems have no number of files that they can hold.
  const free = files === 0 ? bytes : Math.min(bytes, ffree * BYTES_PER_FILE);
  return { total: blocks * bsize, used: (blocks - bfree) * bsize, free };
}

/** A count is believed for so long, in milliseconds. */
const COUNT_AGE_MS = 3_600_000;

export type StoreSize = ReturnType<typeof createStoreSize>;

/**
 * The sum of all that the store holds, as Nix's database has it: what Nix itself says a path's size is, without what else
 * lies on the disk. To count takes some seconds where there are tens of thousands of paths. So that is done where the
 * disk's use has grown by so much since the last count that the store may be over the limit, and once an hour.
 */
export function createStoreSize(nix: Nix) {
  let counted: { readonly bytes: number; readonly used: number; readonly at: number } | undefined;

  async function count(signal: AbortSignal): Promise<number> {
    const { used } = await diskSpace(nix);
    // Without arguments it dumps the whole database.
    const { succeeded, stdout, stderr } = await runNix(nix, 'nix-store', ['--dump-db'], { signal });
    if (!succeeded) throw new TransientError(`Nix cannot tell what is in the store: ${errorMessage(stderr)}`);
    const bytes = parseDump(stdout).reduce((sum, { narSize }) => sum + narSize, 0);
    counted = { bytes, used, at: performance.now() };
    return bytes;
  }

  return {
    count,
    async mayBeOver(limit: number): Promise<boolean> {
      if (counted === undefined || performance.now() - counted.at > COUNT_AGE_MS) return true;
      const { used } = await diskSpace(nix);
      return counted.bytes + Math.max(0, used - counted.used) > limit;
    },
  };
}
