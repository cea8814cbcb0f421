// A revision for a folder that has no history: a hash of what is in it.
import { TransientError } from '#core/errors.ts';
import { errorMessage } from './nix-message.ts';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

/** SHA-256 of the folder's NAR, in hexadecimal: names, contents, links and executable bits, and nothing else. */
export async function hashFolder(nix: Nix, folder: string, signal: AbortSignal): Promise<string> {
  const args = ['--type', 'sha256', folder];
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-hash', args, { signal });
  if (!succeeded) throw new TransientError(`${folder} cannot be read: ${errorMessage(stderr)}`);
  return stdout.trim();
}
