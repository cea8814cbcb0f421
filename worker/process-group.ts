// Ending a process together with all that it started.
import { setTimeout as delay } from 'node:timers/promises';

/** How long a process may take to end its children and to clean up, in milliseconds. */
const PATIENCE_MS = 2000;

/**
 * Asks the group that `pid` leads to end, and makes it end where it does not. `stopped` is aborted when it has. Does
 * nothing where there is no process.
 */
export async function stopGroup(pid: number | undefined, stopped: AbortSignal): Promise<void> {
  if (pid === undefined) return;
  killGroup(pid, 'SIGTERM');
  const outOfPatience = await delay(PATIENCE_MS, true, { signal: stopped }).catch(() => false);
  if (outOfPatience) killGroup(pid, 'SIGKILL');
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // It has ended between two instructions.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
