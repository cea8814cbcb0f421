// The spool: the folder where a layer lies from its packing to the end of its upload, and a tree for the extra commands.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, TransientError } from '#core/errors.ts';
import { isSystemError } from '../is-system-error.ts';

/** Process and attempt: `<pid>-<uuid>.layer`. What is not named so is not ours. */
const SPOOL_FILE = /^(?<pid>[0-9]+)-[0-9a-f-]{36}\.(?:layer|tree)$/;

/**
 * Makes the folder at a worker's start and removes what workers that are gone have left there. Files of a process that
 * runs stay, this one's own excepted: it has not begun. Throws a {@link ConfigurationError} where the folder cannot be
 * used.
 */
export async function prepareSpool(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const file of await readdir(folder)) {
      const pid = SPOOL_FILE.exec(file)?.groups?.['pid'];
      if (pid !== undefined && !isOther(Number(pid))) await rm(join(folder, file), { force: true });
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new ConfigurationError(`the spool folder ${folder} cannot be used: ${error.message}`);
  }
}

/** A new name in the spool, unique to an attempt. */
export function spoolFile(folder: string, kind: 'layer' | 'tree'): string {
  return join(folder, `${process.pid}-${randomUUID()}.${kind}`);
}

/** Rethrows what a write to the spool met as the worker takes it: a full disk is worth another try, here or elsewhere. */
export function spoolError(folder: string): (error: unknown) => never {
  return error => {
    if (!isSystemError(error)) throw error;
    throw new TransientError(`the spool folder ${folder} cannot be written: ${error.message}`, {
      cause: error,
    });
  };
}

/** Whether a process of this number runs that is not this one. */
function isOther(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and somebody else's.
    return isSystemError(error) && error.code === 'EPERM';
  }
}
