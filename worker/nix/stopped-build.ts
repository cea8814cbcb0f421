// A realisation that is ended for good before its builder has ended: what it was at, and what that had printed so far.
import { PermanentError } from '#core/errors.ts';
import { derivationName, endOfLog } from './builder-log.ts';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

/** Nix writes the rest of a log when it is asked to end; what it has of it is there at once. Milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * The reason of the end, with what was being built and the end of its log; as it was where nothing was, or where Nix cannot
 * tell. `begun`: the derivations whose builders were begun, in that order.
 */
export async function stoppedBuild(
  nix: Nix,
  begun: readonly string[],
  reason: PermanentError,
): Promise<PermanentError> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const drv = await lastUnfinished(nix, begun, signal);
    if (drv === undefined) return reason;
    const message = `${reason.message}; it was building ${derivationName(drv)}`;
    return new PermanentError({ ...reason.failure, message, log: await endOfLog(nix, drv, signal) });
  } catch {
    // Why it ended is said all the same.
    return reason;
  }
}

async function lastUnfinished(
  nix: Nix,
  begun: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const drv of begun.toReversed()) {
    const { stdout } = await runNix(nix, 'nix-store', ['--query', '--outputs', drv], { signal });
    const outputs = stdout.split('\n').filter(line => line !== '');
    const args = ['--check-validity', '--print-invalid', ...outputs];
    const invalid = await runNix(nix, 'nix-store', args, { signal });
    if (invalid.stdout !== '') return drv;
  }
  return undefined;
}
