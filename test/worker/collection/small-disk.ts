// A disk of a test's own, small enough to be filled.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { nixConfig } from '#local/nix.ts';
import { isSystemError } from '#worker/is-system-error.ts';
import { openNix, type Nix } from '#worker/nix/nix.ts';

export interface SmallDisk {
  readonly folder: string;
  /** Leaves no byte free; undone by what is answered. */
  fill(): () => void;
}

/**
 * A file system in memory, for so many files at most; where that may not be mounted the test is skipped, and this is
 * undefined.
 */
export function smallDisk(context: TestContext, megabytes: number, files?: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'derivery-disk-'));
  const options = `size=${megabytes}m${files === undefined ? '' : `,nr_inodes=${files + 1}`}`;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    rmdirSync(folder);
    context.skip('skipped: no file system can be mounted here');
    return undefined;
  }
  context.after(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmdirSync(folder);
  });
  return {
    folder,
    fill() {
      const file = join(folder, 'filling');
      for (const size of [1 << 20, 4096]) append(file, Buffer.alloc(size));
      return () => rmSync(file);
    },
  };
}

/** A store on a disk. */
export async function storeOn({ folder }: SmallDisk): Promise<Nix> {
  const environment = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  return openNix({ store: join(folder, 'store'), config: await nixConfig('debian') }, environment);
}

/** Writes the same again and again until there is no room for it. */
function append(file: string, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'a');
  try {
    for (;;) writeSync(descriptor, bytes);
  } catch (error) {
    if (!(isSystemError(error) && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(descriptor);
  }
}
