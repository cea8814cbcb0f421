// The graph of store paths that binary caches know, below some of them.
//
// What a cache says here is believed without a signature. It decides which paths share a layer and nothing else: the bytes of
// a layer come from the store, whose Nix checks signatures. So a cache that lies makes layers that are shared badly, and no
// others.
import pLimit from 'p-limit';
import { TransientError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import type { BinaryCache } from '../binary-cache/binary-cache.ts';
import type { Narinfo } from '../binary-cache/narinfo.ts';

export interface KnownGraph {
  /** Paths of which all that they need is known, and here. */
  readonly nodes: readonly Narinfo[];
  /** Questions that no cache answered, if any: there may be more to know. */
  readonly unanswered: number;
}

/** Questions at a time. */
const AT_A_TIME = 64;

/** So many that get no answer, and the caches are down. */
const UNANSWERED_LIMIT = 50;

/** Paths that are looked at: some times as many as a thousand packages need. */
const PATHS_LIMIT = 100_000;

/** Asks the caches, in their order, for `roots` and all that these need. Throws a TransientError where they are down. */
export async function knownGraph(
  caches: readonly BinaryCache[],
  roots: readonly StorePath[],
  signal: AbortSignal,
): Promise<KnownGraph> {
  const found = new Map<StorePath, Narinfo | undefined>();
  const atATime = pLimit(AT_A_TIME);
  let unanswered = 0;

  async function ask(path: StorePath): Promise<Narinfo | undefined> {
    signal.throwIfAborted();
    let problem: TransientError | undefined;
    for (const cache of caches) {
      try {
        const narinfo = await cache.narinfo(path, signal);
        if (narinfo !== undefined) return narinfo;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        problem = error;
      }
    }
    if (problem !== undefined && (unanswered += 1) > UNANSWERED_LIMIT) throw problem;
    return undefined;
  }

  async function visit(path: StorePath): Promise<void> {
    if (found.has(path) || found.size >= PATHS_LIMIT) return;
    found.set(path, undefined);
    const narinfo = await atATime(ask, path);
    found.set(path, narinfo);
    await Promise.all((narinfo?.references ?? []).map(visit));
  }

  await Promise.all(roots.map(visit));
  return { nodes: whole(found), unanswered };
}

/**
 * Those that have all that they need among them: beginning at those that need nothing, each whose references are all there.
 * So what refers to itself in a circle, as nothing in a store does, is not among them.
 */
function whole(found: ReadonlyMap<StorePath, Narinfo | undefined>): Narinfo[] {
  const known = [...found.values()].filter(narinfo => narinfo !== undefined);
  const waitsFor = new Map(known.map(narinfo => [narinfo, new Set(narinfo.references)]));
  const edges = known.flatMap(narinfo => narinfo.references.map(reference => ({ narinfo, reference })));
  const dependents = Map.groupBy(edges, ({ reference }) => reference);
  const nodes = known.filter(({ references }) => references.length === 0);
  // Grows while it is walked.
  for (const { path } of nodes) {
    for (const { narinfo } of dependents.get(path) ?? []) {
      const others = waitsFor.get(narinfo);
      if (others?.delete(path) === true && others.size === 0) nodes.push(narinfo);
    }
  }
  return nodes;
}
