// Making derivations real: built here, or fetched from a substituter.
import { randomUUID } from 'node:crypto';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PermanentError } from '#core/errors.ts';
import { buildFailure } from './build-failure.ts';
import { builderBegun, createProgressReader } from './build-progress.ts';
import type { Nix } from './nix.ts';
import type { Realisable } from './realisable.ts';
import { runNix } from './run-nix.ts';
import { stoppedBuild } from './stopped-build.ts';
import { takeTurn, untilOver, type Turn } from './realisation-turns.ts';

export interface RealiseOptions {
  readonly signal: AbortSignal;
  /** Called as derivations are begun: `done` of all that have to be built or fetched. Not called where none has to. */
  readonly onProgress?: (done: number, of: number) => void;
  /** Called with true before another realisation is waited for, and with false when this one goes on. */
  readonly onWaiting?: (waits: boolean) => void;
  /** Where the store is collected meanwhile. */
  readonly roots?: RealisationRoots;
}

export interface RealisationRoots {
  /** For links that keep the outputs from Nix's garbage collection, for as long as the links are there. */
  readonly folder: string | undefined;
  /** Notes from now on whether the store is collected. */
  watch(): Promise<{ readonly hasSeenOne: () => Promise<boolean> }>;
}

/**
 * Realises the items' outputs; afterwards each item's `path` is there. Throws a PermanentError of kind `build_failed`
 * with the end of the log where a builder failed, or where an item's path is no output of its derivation, and a TransientError for what another try may get past.
 * Aborted for a reason that is a PermanentError, it throws that one with the end of the log of what was being built.
 */
export async function realise(
  nix: Nix,
  items: readonly Realisable[],
  { signal, onProgress, onWaiting, roots }: RealiseOptions,
): Promise<void> {
  if (items.length === 0) return;
  const wanted = [...new Set(items.map(({ drv, output }) => `${drv}!${output}`))];
  const progress = onProgress === undefined ? undefined : createProgressReader(onProgress);
  const begun: string[] = [];
  const onLine = (line: string): void => {
    const drv = builderBegun(line);
    if (drv !== undefined) begun.push(drv);
    progress?.(line);
  };
  const fetch = (): Promise<void> => fetchOutputs(nix, items, signal, onLine);
  using _ = await ownTurn(nix, wanted, { signal, fetch, onWaiting });
  const collections = await roots?.watch();
  const args = ['--realise', '--no-build-output', ...gcRootArguments(roots?.folder), ...wanted];
  const result = await runNix(nix, 'nix-store', args, { signal, onLine }).catch(async (error: unknown) => {
    throw error instanceof PermanentError ? await stoppedBuild(nix, begun, error) : error;
  });
  if (!result.succeeded) {
    const wasCollected = (await collections?.hasSeenOne()) === true;
    throw await buildFailure(nix, items, { stderr: result.stderr, wasCollected }, signal);
  }
  const made = result.stdout.split('\n').filter(line => line !== '');
  // With roots Nix says where these are.
  requireOutputs(
    items,
    roots?.folder === undefined ? made : await Promise.all(made.map(link => readlink(link))),
  );
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly onWaiting: RealiseOptions['onWaiting'];
  readonly fetch: () => Promise<void>;
}

/** Waits for those that build something of it too; but before that it fetches what it can, which may be all. */
async function ownTurn(
  nix: Nix,
  wanted: readonly string[],
  { signal, fetch, onWaiting }: Waiting,
): Promise<Turn> {
  const first = await takeTurn(nix, wanted, signal);
  if ('own' in first) return first.own;
  await fetch();
  let isWaiting = false;
  for (;;) {
    const turn = await takeTurn(nix, wanted, signal);
    if ('own' in turn) {
      if (isWaiting) onWaiting?.(false);
      return turn.own;
    }
    if (!isWaiting) onWaiting?.(true);
    isWaiting = true;
    await untilOver(turn.rival, signal);
  }
}

/**
 * Fetches the items' outputs, those that a substituter has. Asked for outputs, and not for derivations, Nix builds nothing.
 * What it cannot fetch, and why, is the realisation's to say.
 */
async function fetchOutputs(
  nix: Nix,
  items: readonly Realisable[],
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const paths = [...new Set(items.map(({ path }) => path))];
  await runNix(nix, 'nix-store', ['--realise', '--keep-going', ...paths], { signal, onLine });
}

/**
 * A package set may hold anything that calls itself a derivation, with the path of something else that is in the store:
 * another source's tree, say.
 */
function requireOutputs(items: readonly Realisable[], made: readonly string[]): void {
  const strange = items.find(({ path }) => !made.includes(path));
  if (strange === undefined) return;
  const message = `"${strange.name}" is not what its derivation makes: that is not at ${strange.path}`;
  throw new PermanentError({ kind: 'build_failed', message });
}

/** Nix numbers the links itself (`<name>`, `<name>-2`, …), and replaces what has such a name: each realisation has its own. */
function gcRootArguments(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--add-root', join(folder, randomUUID()), '--indirect'];
}
