// Links that keep store paths from Nix's garbage collector.
import { lstatSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { parseStorePath, type StorePath } from '#core/store-path.ts';
import { isSystemError } from '../is-system-error.ts';
import type { Nix } from '../nix/nix.ts';
import { runNix } from '../nix/run-nix.ts';
import { holdOffCollection } from './collection-lock.ts';

/** A folder for links, and who finds them there. */
export interface RootsFolder {
  readonly path: string;
  /** `direct`: it is among Nix's own roots. `indirect`: Nix has to be told of each link. */
  readonly kind: 'direct' | 'indirect';
}

/**
 * Keeps paths that were in the store a moment ago from collection; answers whether all are there still, and so will stay.
 * The links have the names of their paths, or others that begin with a number at random.
 */
export async function linkRoots(
  nix: Nix,
  folder: RootsFolder,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const wanted = [...new Set(paths.map(parseStorePath))];
  if (wanted.length === 0) return true;
  if (folder.kind === 'direct') {
    using held = await holdOffCollection(nix);
    if (held !== undefined) return await linkDirectly(nix, folder.path, wanted);
  }
  return linkByNix(nix, join(folder.path, randomUUID()), wanted, signal);
}

/** The same for one path, under its own name whatever the folder's kind. */
export async function linkRoot(
  nix: Nix,
  folder: RootsFolder,
  path: StorePath,
  signal: AbortSignal,
): Promise<boolean> {
  if (folder.kind === 'direct') {
    using held = await holdOffCollection(nix);
    if (held !== undefined) return await linkDirectly(nix, folder.path, [path]);
  }
  return linkByNix(nix, join(folder.path, basename(path)), [path], signal);
}

/** Whoever calls this holds off collections: otherwise one that has looked for roots already would not see these. */
async function linkDirectly(nix: Nix, folder: string, paths: readonly StorePath[]): Promise<boolean> {
  for (const path of paths) {
    await symlink(path, join(folder, basename(path))).catch((error: unknown) => {
      if (!(isSystemError(error) && error.code === 'EEXIST')) throw error;
    });
  }
  return paths.every(path => lstatSync(nix.realPath(path), { throwIfNoEntry: false }) !== undefined);
}

/**
 * Nix tells a collection that is running. Of a derivation the root is asked for by importing it: to realise it would be to
 * build it.
 */
async function linkByNix(
  nix: Nix,
  file: string,
  paths: readonly StorePath[],
  signal: AbortSignal,
): Promise<boolean> {
  const derivations = paths.filter(path => path.endsWith('.drv'));
  const others = paths.filter(path => !path.endsWith('.drv'));
  const run = async (
    command: 'nix-store' | 'nix-instantiate',
    name: string,
    args: readonly string[],
    settings: Readonly<Record<string, string>>,
  ): Promise<boolean> => {
    const options = Object.entries(settings).flatMap(([setting, value]) => ['--option', setting, value]);
    const all = [...args, '--add-root', name, '--indirect', ...options];
    return (await runNix(nix, command, all, { signal })).succeeded;
  };
  const imports = ['--expr', `map import [ ${derivations.join(' ')} ]`];
  return (
    (others.length === 0 ||
      (await run('nix-store', file, ['--realise', ...others], { substitute: 'false' }))) &&
    (derivations.length === 0 ||
      (await run('nix-instantiate', `${file}-drv`, imports, {
        'pure-eval': 'false',
        'restrict-eval': 'false',
      })))
  );
}
