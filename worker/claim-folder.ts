// A folder for one process alone, and for the next one after it: several workers may share a disk.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '#core/errors.ts';

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
      if (await lock(join(folder, 'lock'))) return folder;
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigurationError(`the folder ${parent} cannot be used: ${error.message}`);
  }
  throw new ConfigurationError(`the folder ${parent} is in use by ${LIMIT} processes`);
}

/** By flock(2), which Node does not have: the lock belongs to the open file, not to the command. It is never closed. */
async function lock(file: string): Promise<boolean> {
  const descriptor = openSync(file, 'a', 0o600);
  const flock = spawn('flock', ['--nonblock', '0'], { stdio: [descriptor, 'ignore', 'ignore'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    flock.once('exit', resolve).once('error', reject);
  });
  if (code === 0) return true;
  closeSync(descriptor);
  return false;
}
