// Where a worker has its roots, and what it finds there when it starts.
import { constants } from 'node:fs';
import { access, mkdir, open as openFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pRetry from 'p-retry';
import { ConfigurationError } from '#core/errors.ts';
import { claimFolder, forEachAbandoned, LOCK } from '../claim-folder.ts';
import { isDiskFull } from '../disk-full.ts';
import { errorMessage } from '../nix/nix-message.ts';
import type { Nix } from '../nix/nix.ts';
import { runNix } from '../nix/run-nix.ts';
import { createBuildRoots, type BeginRoots } from './build-roots.ts';
import { collectGarbage } from './collect-garbage.ts';
import type { RootsFolder } from './link-roots.ts';
import { createRecentPaths, type RecentPaths } from './recent-paths.ts';

export interface Roots {
  readonly begin: BeginRoots;
  readonly recent: RecentPaths;
  /** A file that is locked while the store is collected, by whichever worker. */
  readonly collecting: string;
}

export interface RootsParts {
  /** For links where Nix's own folder of roots belongs to a daemon. */
  readonly spoolFolder: string;
  readonly signal: AbortSignal;
}

/**
 * Among Nix's own roots where this process may write there, as Nix itself decides whether to ask the daemon; else in the
 * spool, where Nix is told of each link. What builds of killed workers kept is kept no more. Throws a
 * {@link ConfigurationError} where the store or the folder cannot be used.
 */
export async function openRoots(nix: Nix, parts: RootsParts): Promise<Roots> {
  try {
    return await open(nix, parts);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    // Where there is no room for a link, there is none to begin in any other way.
    await collectGarbage(nix, ROOM_TO_BEGIN, parts.signal);
    return open(nix, parts);
  }
}

/** Bytes: some files, and what others may take in the meantime. */
const ROOM_TO_BEGIN = 100_000_000;

async function open(nix: Nix, { spoolFolder, signal }: RootsParts): Promise<Roots> {
  const gcRoots = join(nix.stateFolder, 'gcroots');
  if (!(await isThere(gcRoots))) await initialise(nix, signal);
  const isOwn = await access(gcRoots, constants.W_OK).then(
    () => true,
    () => false,
  );
  const folder = isOwn ? join(gcRoots, 'derivery') : join(spoolFolder, 'roots');
  const within = (name: string): RootsFolder => ({
    path: join(folder, name),
    kind: isOwn ? 'direct' : 'indirect',
  });
  const collecting = join(folder, 'collecting');
  const builds = within('builds');
  const recent = within('recent');
  try {
    for (const { path } of [builds, recent]) await mkdir(path, { recursive: true, mode: 0o700 });
    // Locked by whoever collects, who may find no room for a file.
    await (await openFile(collecting, 'a', 0o600)).close();
    await forEachAbandoned(builds.path, clear);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigurationError(`the folder ${folder} cannot be used: ${error.message}`, { cause: error });
  }
  const own = { ...builds, path: await claimFolder(builds.path) };
  return {
    begin: createBuildRoots(nix, own, collecting),
    recent: createRecentPaths(nix, recent, () => sourceRoots(join(spoolFolder, 'sources'))),
    collecting,
  };
}

/** The trees of package sources, which each worker keeps for itself: see nix/store-source.ts. */
async function sourceRoots(sources: string): Promise<string[]> {
  const workers = (await isThere(sources)) ? await readdir(sources) : [];
  return workers.map(worker => join(sources, worker, 'roots'));
}

async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== LOCK) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A new store's folders are Nix's to make; of two workers that begin it at once, one may be in the other's way. */
async function initialise(nix: Nix, signal: AbortSignal): Promise<void> {
  const run = async (): Promise<void> => {
    const { succeeded, stderr } = await runNix(nix, 'nix-store', ['--init'], { signal });
    if (!succeeded) throw new ConfigurationError(`Nix cannot use its store: ${errorMessage(stderr)}`);
  };
  await pRetry(run, { signal, retries: 3, minTimeout: 100, randomize: true });
}
