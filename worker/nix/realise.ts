// Making derivations real: built here, or fetched from a substituter.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { PermanentError } from '#core/errors.ts';
import { buildFailure } from './build-failure.ts';
import { createProgressReader } from './build-progress.ts';
import type { Nix } from './nix.ts';
import type { Realisable } from './realisable.ts';
import { runNix } from './run-nix.ts';

/**
 * One realisation at a time. Several Nix processes that are asked for the same outputs each keep the lock of what another
 * has built, and wait for each other for ever (seen with Nix 2.8 and three of them); and one builds on all cores anyway.
 */
const oneAtATime = pLimit(1);

export interface RealiseOptions {
  readonly signal: AbortSignal;
  /** Called as derivations are begun: `done` of all that have to be built or fetched. Not called where none has to. */
  readonly onProgress?: (done: number, of: number) => void;
  /** A folder for links that keep the outputs from Nix's garbage collection, for as long as the links are there. */
  readonly gcRootFolder?: string;
}

/**
 * Realises the items' outputs; afterwards each item's `path` is there. Throws a PermanentError of kind `build_failed`
 * with the end of the log where a builder failed, or where an item's path is no output of its derivation, and a TransientError for what another try may get past.
 */
export async function realise(
  nix: Nix,
  items: readonly Realisable[],
  { signal, onProgress, gcRootFolder }: RealiseOptions,
): Promise<void> {
  if (items.length === 0) return;
  const wanted = [...new Set(items.map(({ drv, output }) => `${drv}!${output}`))];
  const args = ['--realise', '--no-build-output', ...(await gcRootArguments(gcRootFolder)), ...wanted];
  const onLine = onProgress === undefined ? undefined : createProgressReader(onProgress);
  const result = await oneAtATime(() =>
    runNix(nix, 'nix-store', args, { signal, ...(onLine !== undefined && { onLine }) }),
  );
  if (!result.succeeded) throw await buildFailure(nix, items, result.stderr, signal);
  // With roots Nix says where these are.
  if (gcRootFolder === undefined) requireOutputs(items, result.stdout.split('\n'));
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

/** Nix numbers the links itself: root, root-2, … */
async function gcRootArguments(folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return [];
  await mkdir(folder, { recursive: true });
  return ['--add-root', join(folder, 'root'), '--indirect'];
}
