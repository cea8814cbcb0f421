// Package sources of a test's own, in the store as an evaluation wants them.
import { parseStorePath } from '#core/store-path.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import type { StoredSource } from '#worker/nix/stored-source.ts';

/** Puts the folder into the store. */
export async function storeFolder(
  nix: Nix,
  folder: string,
  kind: StoredSource['kind'] = 'package-set',
): Promise<StoredSource> {
  const path = parseStorePath(await query(nix, ['--add', folder]));
  return { kind, path, narHash: await query(nix, ['--query', '--hash', path]) };
}

async function query(nix: Nix, args: readonly string[]): Promise<string> {
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-store', args, {
    signal: AbortSignal.timeout(60_000),
  });
  if (!succeeded) throw new Error(stderr);
  return stdout.trim();
}
