// The Debian package set and a Nix store that all tests share.
//
// Both lie in node_modules/.cache/derivery-test, so that they are fetched and built once a machine. That is safe:
// the set is verified against its revision whenever it is taken, and the store, one for each revision, is addressed by
// what went in. Delete the folder to begin anew (after `chmod -R u+w`, for store paths are read-only). Checkouts that
// share their node_modules, and are not of the same state, need a folder each: DERIVERY_TEST_CACHE.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { ImportArguments } from '#core/image-settings.ts';
import { fetchDebianPackages } from '#local/debian-packages.ts';
import { nixConfig } from '#local/nix.ts';
import { openNix, type Nix } from '#worker/nix/nix.ts';
import { realise } from '#worker/nix/realise.ts';
import { resolve, type FoundItem, type ResolvedItem } from '#worker/nix/resolve.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import type { StoredSource } from '#worker/nix/stored-source.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';

const CACHE =
  process.env['DERIVERY_TEST_CACHE'] ??
  fileURLToPath(new URL('../../node_modules/.cache/derivery-test', import.meta.url));

export interface DebianSet {
  readonly folder: string;
  readonly revision: string;
  /** Nix's name of what packages are resolved for. */
  readonly system: string;
  /** The folder in the store. */
  readonly source: StoredSource;
  /** Nix with the shared store. */
  readonly nix: Nix;
  /** Absolute folder of the shared store. */
  readonly store: string;
}

export const SYSTEM = 'x86_64-linux';

/** The other one that the set is made for; its packages are built here, and do not run. */
export const OTHER_SYSTEM = 'aarch64-linux';

/** The shared set and store. Test files run at the same time: one fetches, the others wait. */
export async function debianSet(): Promise<DebianSet> {
  await mkdir(CACHE, { recursive: true });
  const cache = await realpath(CACHE);
  return locked(join(cache, 'lock'), async () => {
    const { folder, revision } = await fetchDebianPackages({ folder: join(cache, 'debian') });
    const name = `store-${revision.slice(0, 16)}`;
    await removeOtherStores(cache, name);
    const store = join(cache, name);
    const nix = openNix({ store, config: await nixConfig('debian') });
    return { folder, revision, system: SYSTEM, source: await storeFolder(nix, folder), nix, store };
  });
}

/** Copies the shared set, whole, to where nothing is yet. */
export async function copyDebianSet(to: string): Promise<void> {
  const { folder } = await debianSet();
  // Another test file may be about to replace it.
  await locked(join(dirname(folder), 'lock'), () => execa('cp', ['-r', '--reflink=auto', folder, to]));
}

/** A deployment that gives the package set no arguments of its own. */
export const NO_ARGUMENTS: ImportArguments = { config: {}, overlay: undefined };

/** Resolves names in a package set, by default the shared one. */
export async function resolveNames(
  set: DebianSet,
  packages: readonly string[],
  folder = set.folder,
  importArguments = NO_ARGUMENTS,
): Promise<ResolvedItem[]> {
  const signal = AbortSignal.timeout(120_000);
  const source = folder === set.folder ? set.source : await storeFolder(set.nix, folder);
  return resolve(set.nix, { source, system: set.system, packages, importArguments }, { signal });
}

/** The names of all packages of the shared set that can be built. */
export async function packageNames(set: DebianSet): Promise<string[]> {
  const expression = fileURLToPath(new URL('package-names.nix', import.meta.url));
  const args = ['--eval', '--strict', '--json', expression];
  const parameters = ['--argstr', 'folder', set.folder, '--argstr', 'system', set.system];
  const signal = AbortSignal.timeout(120_000);
  const { stdout } = await runNix(set.nix, 'nix-instantiate', [...args, ...parameters], { signal });
  return JSON.parse(stdout) as string[];
}

/** Resolves names of which all have to be found, and builds them. */
export async function build(
  set: DebianSet,
  packages: readonly string[],
  folder = set.folder,
): Promise<FoundItem[]> {
  const items = found(await resolveNames(set, packages, folder));
  await realise(set.nix, items, { signal: AbortSignal.timeout(120_000) });
  return items;
}

/** The items, all of which have to be found. */
export function found(items: readonly ResolvedItem[]): FoundItem[] {
  return items.map(item => {
    if (item.kind !== 'found') throw new Error(`not found: ${JSON.stringify(item)}`);
    return item;
  });
}

/** Removes a folder although it has read-only folders in it, as a Nix store has. */
export async function removeStore(folder: string): Promise<void> {
  await execa('chmod', ['-R', 'u+w', folder], { reject: false });
  await rm(folder, { recursive: true, force: true });
}

async function removeOtherStores(cache: string, current: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name.startsWith('store-') && name !== current) await removeStore(join(cache, name));
  }
}

/** Holds flock(2) on the file: whoever dies gives it back. */
async function locked<T>(file: string, use: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const lock = openSync(file, 'a');
  try {
    const flock = spawn('flock', ['3'], { stdio: ['ignore', 'ignore', 'inherit', lock] });
    const [exitCode] = (await once(flock, 'exit')) as [number | null];
    if (exitCode !== 0) throw new Error(`flock ended with ${exitCode}`);
    return await use();
  } finally {
    closeSync(lock);
  }
}
