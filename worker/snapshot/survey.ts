// What can be known of a package set before anyone has asked for an image of it: what its well-known packages need, and so
// what they share.
//
// By the package set, the settings and the binary caches alone, and by nothing that this worker happens to have built:
// whichever worker is the first, the snapshot is the same.
import { TransientError } from '#core/errors.ts';
import { ALWAYS_PACKAGES, type ImageSettings } from '#core/image-settings.ts';
import { EMPTY_SNAPSHOT, makeSnapshot, type Snapshot } from '#core/layer-snapshot.ts';
import { SHELL_PACKAGES } from '#core/meta-packages.ts';
import type { Log } from '#core/google/log.ts';
import type { StorePath } from '#core/store-path.ts';
import { WELL_KNOWN_PACKAGES } from '#core/well-known-packages.ts';
import { openBinaryCache, type BinaryCache } from '../binary-cache/binary-cache.ts';
import { configuredCaches } from '../binary-cache/configured-caches.ts';
import { locate } from '../nix/locate.ts';
import type { Nix } from '../nix/nix.ts';
import type { StoredSource } from '../nix/stored-source.ts';
import { knownGraph } from './known-graph.ts';

export interface SurveyedSet {
  /** Fetches its tree into the store; asked for only where that helps. */
  readonly fetchTree: () => Promise<StoredSource>;
  /** Nix's name of the platform, `x86_64-linux`. */
  readonly system: string;
  readonly settings: Pick<ImageSettings, 'contents' | 'importArguments'>;
}

/**
 * Surveys a package set: one evaluation, of seconds where the set is nixpkgs, and a question to the caches for each store
 * path. Nothing is fetched or built.
 *
 * The snapshot will be the one of this revision for good, so it has to be worth that. Of what goes wrong, what would go wrong
 * again makes it smaller: a package that cannot be evaluated, or that no cache has. Where the caches know less than half of
 * the packages it is empty, as it is without a cache: what is known of few says more of them than of what images share. A cache
 * that does not answer at all is none, as for Nix itself, which has realised an image without it when the snapshot is frozen.
 * But where caches that did answer leave too much unsaid it is a TransientError: the next try of the build gets it.
 */
export async function survey(
  nix: Nix,
  { fetchTree, system, settings }: SurveyedSet,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<Snapshot> {
  const startedAt = performance.now();
  const caches = await openCaches(nix, { signal, log });
  if (caches.length === 0) return EMPTY_SNAPSHOT;

  const inEvery = [...ALWAYS_PACKAGES, ...settings.contents];
  const packages = [...new Set([...WELL_KNOWN_PACKAGES, ...inEvery])];
  const { importArguments } = settings;
  const source = await fetchTree();
  const located = await locate(nix, { source, system, packages, importArguments }, { signal });
  if (located.leftOut.length > 0) {
    log.warn({ packages: located.leftOut }, 'layers are planned without packages that cannot be evaluated');
  }
  const pathsOf = (names: Iterable<string>): StorePath[] =>
    [...names].flatMap(name => located.paths.get(name) ?? []);

  const wanted = [...new Set(pathsOf(packages))];
  const { nodes, unanswered } = await knownGraph(caches, wanted, signal);
  const known = new Set(nodes.map(({ path }) => path));
  const roots = wanted.filter(path => known.has(path));
  const isEnough = 2 * roots.length >= wanted.length;
  if (!isEnough && unanswered > 0) {
    throw new TransientError(`the binary caches left ${unanswered} questions about store paths unanswered`);
  }
  const snapshot = isEnough
    ? makeSnapshot(nodes, { roots, inEvery: pathsOf(inEvery), inShells: pathsOf(SHELL_PACKAGES) })
    : EMPTY_SNAPSHOT;
  const seconds = Math.round((performance.now() - startedAt) / 10) / 100;
  const counts = { packages: wanted.length, known: roots.length, storePaths: nodes.length, unanswered };
  log.info({ ...counts, snapshot: snapshot.id, seconds }, 'surveyed the package set');
  return snapshot;
}

async function openCaches(
  nix: Nix,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<BinaryCache[]> {
  const caches: BinaryCache[] = [];
  for (const address of await configuredCaches(nix.environment)) {
    try {
      const cache = await openBinaryCache(address, signal);
      if (cache === undefined) log.info({ address }, 'not a binary cache that layers can be planned by');
      else caches.push(cache);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      log.warn({ address, error }, 'a binary cache does not answer: layers are planned without it');
    }
  }
  return caches;
}
