// Images that were ready when this instance last looked: what most pulls are answered by, without a question to Firestore.
import { LRUCache } from 'lru-cache';
import type { RequestKey } from '#core/image-request.ts';
import type { PullDecision } from '#core/pull-decision.ts';
import type { PullState } from '#core/google/pull-state.ts';

export type ReadyImage = Extract<PullDecision, { kind: 'ready' }>;

/** What was read, and what it comes to. */
export interface Look<Decision extends PullDecision = PullDecision> {
  readonly state: PullState;
  readonly decision: Decision;
}

interface Kept extends Look<ReadyImage> {
  /** When the reading of it began. */
  readonly beganAt: number;
}

export interface ReadyImagesParts {
  /** For how long what was read is gone by. Milliseconds; 0: nothing is kept. */
  readonly cacheMs: number;
  /** What a state comes to, at a time of the server's. */
  readonly decide: (state: PullState, at: number) => PullDecision;
  /** Milliseconds by a clock that never goes back, of any beginning. */
  readonly now: () => number;
}

/** For how long what was read is gone by where Firestore does not answer. Milliseconds. */
export const TROUBLED_CACHE_MS = 10 * 60_000;

/** Images whose documents an instance keeps, each of some kilobytes. */
const KEPT = 2_000;

/**
 * What is kept is judged anew for every pull, at the server's time: that of the read, and since then our own clock's. Only what
 * is ready is ever kept, so what fails or waits is read by every pull.
 */
export function createReadyImages({ cacheMs, decide, now }: ReadyImagesParts) {
  const kept = new LRUCache<RequestKey, Kept>({ max: KEPT });

  function ifYounger(known: Kept | undefined, milliseconds: number): Look<ReadyImage> | undefined {
    if (known === undefined) return undefined;
    const { state, beganAt } = known;
    const age = now() - beganAt;
    if (age >= milliseconds) return undefined;
    const decision = decide(state, state.image.readTime + age);
    return decision.kind === 'ready' ? { state, decision } : undefined;
  }

  return {
    /** What was ready a moment ago and is by now, with nothing to be set going for it that was not then. */
    recent(key: RequestKey): { readonly look: Look<ReadyImage>; readonly isAging: boolean } | undefined {
      const known = kept.get(key);
      const look = ifYounger(known, cacheMs);
      if (known === undefined || look === undefined) return undefined;
      const { follow } = look.decision;
      if (follow !== 'nothing' && follow !== known.decision.follow) return undefined;
      return { look, isAging: now() - known.beganAt >= cacheMs / 2 };
    },

    /** What was ready within the last ten minutes: all there is to say where Firestore does not answer. */
    latest: (key: RequestKey): Look<ReadyImage> | undefined => ifYounger(kept.get(key), TROUBLED_CACHE_MS),

    /** Keeps what a read that began at a time came to, or forgets what was, where it is ready no more. */
    keep(key: RequestKey, { state, decision }: Look, beganAt: number): void {
      if (decision.kind === 'ready' && cacheMs > 0) kept.set(key, { state, decision, beganAt });
      else kept.delete(key);
    },
  };
}
