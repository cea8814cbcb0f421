// One collection by Nix.
import { TransientError } from '#core/errors.ts';
import { errorMessage } from '../nix/nix-message.ts';
import type { Nix } from '../nix/nix.ts';
import { runNix } from '../nix/run-nix.ts';

/** Deletes what no root keeps, until so many bytes are freed. Throws a {@link TransientError} where Nix cannot. */
export async function collectGarbage(nix: Nix, bytes: number, signal: AbortSignal): Promise<void> {
  const args = ['--gc', '--max-freed', String(bytes)];
  const { succeeded, stderr } = await runNix(nix, 'nix-store', args, { signal });
  if (!succeeded) throw new TransientError(`Nix cannot collect: ${errorMessage(stderr)}`);
}
