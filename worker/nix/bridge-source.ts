// Until fetching has a step of its own: puts a folder into the store, as the package set that it is.
import { TransientError } from '#core/errors.ts';
import { parseStorePath } from '#core/store-path.ts';
import { errorMessage } from './nix-message.ts';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';
import type { StoredSource } from './stored-source.ts';

/** What Nix evaluates: exactly one of these. A path is absolute; a git source names a revision, a ref, or both. */
export type NixSource =
  | { readonly path: string }
  | { readonly tarball: string }
  | { readonly git: { readonly url: string; readonly ref?: string; readonly rev?: string } };

export async function bridgeSource(nix: Nix, source: NixSource, signal: AbortSignal): Promise<StoredSource> {
  if (!('path' in source)) throw new Error('only a folder can be put into the store yet');
  const path = parseStorePath(await query(['--add', source.path]));
  return { kind: 'package-set', path, narHash: await query(['--query', '--hash', path]) };

  async function query(args: readonly string[]): Promise<string> {
    const { succeeded, stdout, stderr } = await runNix(nix, 'nix-store', args, { signal });
    if (!succeeded) throw new TransientError(errorMessage(stderr));
    return stdout.trim();
  }
}
