// A disk of a worker's own that can be full: a small file system in memory, where this user may mount one.
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** Nix's store and the spool of a soak take a tenth of it. MiB. */
const SIZE_MIB = 768;

/** Left free by what fills it: whoever works there is to meet the end of it in the middle. Bytes. */
const LEFT_FREE = 64 * 1024;

export interface Disk {
  readonly folder: string;
  /** Whether it can be filled without filling the machine's. */
  readonly isOwn: boolean;
  fill(): Promise<void>;
  empty(): Promise<void>;
  remove(): Promise<void>;
}

/** Makes the folder, and a file system there where that is allowed. */
export async function openDisk(folder: string): Promise<Disk> {
  await mkdir(folder, { recursive: true });
  const { exitCode } = await execa('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'soak', folder], {
    reject: false,
  });
  const isOwn = exitCode === 0;
  const filling = join(folder, 'filling');
  return {
    folder,
    isOwn,
    async fill() {
      if (!isOwn) return;
      const { bavail, bsize } = await statfs(folder);
      const bytes = Math.max(0, bavail * bsize - LEFT_FREE);
      // What a worker writes meanwhile may be what does not fit any more.
      await execa('fallocate', ['--length', String(bytes), filling], { reject: false });
    },
    empty: () => rm(filling, { force: true }),
    async remove() {
      // A builder that is about to end may still be there.
      if (isOwn) await execa('umount', ['--lazy', folder]);
      else await execa('chmod', ['-R', 'u+w', folder], { reject: false });
    },
  };
}
