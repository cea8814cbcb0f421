// What pulls are decided by: from memory where that is recent enough, otherwise read, once for all who ask at the same time.
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { decidePull, type PullDecision, type PullPolicy } from '#core/pull-decision.ts';
import { isSilence, within } from '#core/google/firestore.ts';
import type { Log } from '#core/google/log.ts';
import type { PullState, ReadPullState } from '#core/google/pull-state.ts';
import type { Asking } from '../asking.ts';
import type { FirestoreCall } from './firestore-calls.ts';
import type { LastUses } from './last-uses.ts';
import { createReadyImages, type Look, type ReadyImage } from './ready-images.ts';
import { createSharedWork } from './shared-work.ts';

export interface LooksParts {
  readonly readPullState: ReadPullState;
  readonly call: FirestoreCall;
  readonly asking: Pick<Asking, 'follow'>;
  readonly lastUses: LastUses;
  readonly policy: PullPolicy;
  readonly log: Log;
  /** The longest that the documents of a pull may take, their turn included. Milliseconds. */
  readonly readLimitMs: number;
  /** For how long what was read is gone by. Milliseconds; 0: nothing is kept. */
  readonly cacheMs: number;
  /** Milliseconds, of any beginning. */
  readonly now?: (() => number) | undefined;
}

/** How long Firestore may take where there is another answer. Milliseconds. */
const PATIENCE_MS = 1_000;

export type Looks = ReturnType<typeof createLooks>;

export function createLooks(parts: LooksParts) {
  const {
    readPullState,
    call,
    asking,
    lastUses,
    policy,
    log,
    readLimitMs,
    cacheMs,
    now = () => performance.now(),
  } = parts;
  const shared = createSharedWork<RequestKey, Look>();
  const looksBehind = new Set<RequestKey>();
  let isSilent = false;

  function decide({ image, source }: PullState, at = image.readTime): PullDecision {
    return decidePull(image.document, source.document, policy, at);
  }
  const ready = createReadyImages({ cacheMs, decide, now });

  /** Reads, and sets going what a pull does besides its answer. */
  async function read(key: RequestKey, request: ImageRequest): Promise<Look> {
    let beganAt = 0;
    const state = await call(readLimitMs, () => {
      beganAt = now();
      return readPullState(key, request);
    });
    if (isSilent) log.info('Firestore answers again');
    isSilent = false;
    const decision = decide(state);
    const look = { state, decision };
    ready.keep(key, look, beganAt);
    if (decision.kind === 'ready' || decision.kind === 'failed') {
      if (decision.kind === 'ready') {
        lastUses.image(key, state.image);
        // Whoever knows its digest from its tag may come back for it when the tag is another's.
        lastUses.manifest(decision.image.digest);
      }
      await asking.follow(key, request, state, decision.follow);
    }
    return look;
  }

  /** By documents that are read after the call. Throws a TransientError where Firestore does not answer in time. */
  function anew(key: RequestKey, request: ImageRequest, limitMs = readLimitMs): Promise<Look> {
    return within(
      limitMs,
      shared(key, () => read(key, request)),
    );
  }

  /** For those who come later. */
  function behind(key: RequestKey, request: ImageRequest): void {
    if (looksBehind.has(key)) return;
    looksBehind.add(key);
    anew(key, request)
      .catch((error: unknown) => {
        if (!isSilent) log.warn({ error, image: key }, 'what is known of an image could not be renewed');
      })
      .finally(() => looksBehind.delete(key));
  }

  return {
    decide,
    anew,

    /** What memory says, if that is recent; in the second half of its time it is renewed behind the answer. */
    atHand(key: RequestKey, request: ImageRequest): Look<ReadyImage> | undefined {
      const recent = ready.recent(key);
      if (recent?.isAging) behind(key, request);
      return recent?.look;
    },

    /** As {@link anew}; where Firestore is silent, by what was ready within the last ten minutes. */
    async anewOrLatest(key: RequestKey, request: ImageRequest): Promise<Look> {
      const latest = ready.latest(key);
      if (latest === undefined) return anew(key, request);
      if (isSilent) {
        behind(key, request);
        return latest;
      }
      try {
        return await anew(key, request, Math.min(PATIENCE_MS, readLimitMs));
      } catch (error) {
        if (!isSilence(error)) throw error;
        if (!isSilent)
          log.warn({ error, image: key }, 'Firestore does not answer: images that were ready are');
        isSilent = true;
        return latest;
      }
    },
  };
}
