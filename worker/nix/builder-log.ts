// What a builder printed, as Nix keeps it beside its store.
import { LONG_LOG_LIMIT } from '#core/failure.ts';
import { printable } from '#core/printable.ts';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

/** The end of the log of a derivation's last build, in whole lines; empty where there is none. */
export async function endOfLog(nix: Nix, drv: string, signal: AbortSignal): Promise<string> {
  const options = { signal, stdoutLimit: 2 * LONG_LOG_LIMIT };
  const { stdout } = await runNix(nix, 'nix-store', ['--read-log', drv], options);
  const log = printable(stdout).trimEnd();
  if (log.length <= LONG_LOG_LIMIT) return log;
  const end = log.slice(-LONG_LOG_LIMIT);
  return end.slice(end.indexOf('\n') + 1);
}

/** The part of a derivation's path that people know: `git-2.39.5`. */
export function derivationName(drv: string): string {
  return drv.replace(/^.*\/[0-9a-z]{32}-/, '').replace(/\.drv$/, '');
}
