// Folders that are filled beside their place and then take it. Their names say who fills them, so that those of a
// program that was killed can be told from those of one that runs.
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The name of this process's temporary folder for `folder`, on the same file system. */
export function temporaryBeside(folder: string): string {
  return `${folder}.partial-${process.pid}`;
}

/** Removes the temporary folders for `folder` whose process is no more. */
export async function removeAbandoned(folder: string): Promise<void> {
  const parent = dirname(folder);
  const start = `${basename(folder)}.partial-`;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(start)) continue;
    const pid = Number.parseInt(name.slice(start.length), 10);
    if (!isRunning(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
