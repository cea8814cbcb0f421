// Waiting for a build on its document: one listener for each image, however many requests wait for it.
import pLimit from 'p-limit';
import { TransientError } from '#core/errors.ts';
import { describeBuild, type AskedBuild } from '#core/image-document.ts';
import { requestKey, type ImageRequest, type RequestKey } from '#core/image-request.ts';
import { describeIndex, imageKeys } from '#core/index-life.ts';
import { decidePull, type PullDecision, type PullPolicy } from '#core/pull-decision.ts';
import { isUnreachable, within } from '#core/google/firestore.ts';
import type { SeenImage } from '#core/google/images.ts';
import type { PullState, ReadPullState } from '#core/google/pull-state.ts';
import type { Asking } from '../asking.ts';
import { startVigil, type Vigil, type VigilParts, type WaitOutcome } from './vigil.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface WaitingParts extends VigilParts {
  readonly readPullState: ReadPullState;
  readonly asking: Asking;
  readonly policy: PullPolicy;
  readonly room: WaitingRoom;
  /** The longest that the documents of a pull may take, their turn included. Milliseconds. */
  readonly readLimitMs: number;
}

/**
 * The same behind a hold, for each of two reads: no hold comes closer than 10 s to what the front end gives a request
 * (settings.ts), or to the 30 s of newer containerd. Milliseconds.
 */
export const LAST_READ_LIMIT_MS = 4_000;

/**
 * Calls to Firestore at a time. When a thousand pulls come at once, a thousand calls would take its client ten connections and
 * hundreds of megabytes, for answers that come no sooner.
 */
const CALLS_AT_ONCE = 64;

export type Waiting = ReturnType<typeof createWaiting>;

export function createWaiting(parts: WaitingParts) {
  const { images, asking, policy, room, readLimitMs, log } = parts;
  const vigils = new Map<RequestKey, Vigil>();

  const calls = pLimit(CALLS_AT_ONCE);
  const lastReadLimitMs = Math.min(readLimitMs, LAST_READ_LIMIT_MS);

  /** A call of Firestore within a time, its turn included. Whose time is over before its turn comes is not made. */
  function call<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    const until = performance.now() + limitMs;
    const inTurn = async (): Promise<T> => {
      const leftMs = Math.ceil(until - performance.now());
      if (leftMs <= 0) throw new TransientError('its turn came too late');
      return within(leftMs, work());
    };
    return within(limitMs, calls(inTurn));
  }

  const readPullState = (limitMs: number, key: RequestKey, request: ImageRequest): Promise<PullState> =>
    call(limitMs, () => parts.readPullState(key, request));

  function decide({ image, source }: PullState): PullDecision {
    return decidePull(image.document, source.document, policy, image.readTime);
  }

  function vigilFor(key: RequestKey, request: ImageRequest, state: PullState): Vigil {
    let vigil = vigils.get(key);
    if (vigil === undefined) {
      const judge = {
        ofImage: (image: SeenImage) => decide({ ...state, image }),
        ofBoth: async () => decide(await readPullState(readLimitMs, key, request)),
      };
      vigil = startVigil(parts, key, judge, () => vigils.delete(key));
      vigils.set(key, vigil);
    }
    return vigil;
  }

  /** The outcome, or undefined where there is none yet when the time is over: at `until`, by the monotonic clock. */
  async function wait(
    key: RequestKey,
    request: ImageRequest,
    state: PullState,
    until: number,
    gone: AbortSignal,
  ): Promise<WaitOutcome | undefined> {
    using place = room.enter();
    const leftMs = Math.max(0, Math.ceil(until - performance.now()));
    const over = AbortSignal.timeout(Math.min(leftMs, place.longestMs));
    return await vigilFor(key, request, state).settled(AbortSignal.any([gone, over]));
  }

  /** Undefined where Firestore does not answer: who has waited goes on waiting, and may find it at the next hop. */
  async function unlessSilent<T>(key: RequestKey, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isUnreachable(error) && !(error instanceof TransientError)) throw error;
      log.warn({ error, image: key }, 'the documents could not be read at the end of a wait');
      return undefined;
    }
  }

  return {
    /**
     * The image, its failure, or that it is not ready `holdMs` from now, or sooner where many wait. Asks for a build where there
     * is none. `gone` ends the wait early, as `pending`. Throws a TransientError where Firestore does not answer.
     */
    async forImage(
      key: RequestKey,
      request: ImageRequest,
      holdMs: number,
      gone: AbortSignal,
    ): Promise<WaitOutcome> {
      const until = performance.now() + holdMs;
      const state = await readPullState(readLimitMs, key, request);
      const decision = decide(state);
      switch (decision.kind) {
        case 'ready':
        case 'failed':
          await asking.follow(key, request, state, decision.follow);
          return decision;
        case 'unasked':
          await call(readLimitMs, () => asking.queueBuild(key, request, 'pull', state.image));
          break;
        case 'pending':
          if (decision.raise) await call(readLimitMs, () => asking.raiseBuild(key, state.image));
          break;
      }
      const settled = await wait(key, request, state, until, gone);
      if (settled !== undefined) return settled;

      const pending = decision.kind === 'pending' ? decision : justQueued(state.image.readTime);
      if (gone.aborted) return pending;
      // A listener may stall: before the client is sent on, the documents themselves have the word.
      const last = await unlessSilent(key, async () =>
        decide(await readPullState(lastReadLimitMs, key, request)),
      );
      // A failure whose hold ended this moment: the next hop asks again.
      return last === undefined || last.kind === 'unasked' ? pending : last;
    },

    /** How far a build is, for people; of an index: how far its images are. */
    async progress(request: ImageRequest, build: AskedBuild): Promise<string> {
      if (build.state !== 'waiting') return describeBuild(build);
      const { settings } = policy;
      const keys = imageKeys({ request, settings });
      const seen = await unlessSilent(requestKey(request, settings), () =>
        call(lastReadLimitMs, () => images.readAll(keys)),
      );
      if (seen === undefined) return describeBuild(build);
      return describeIndex(
        request,
        seen.map(({ document }) => document),
      );
    },
  };
}

function justQueued(queuedAt: number): WaitOutcome {
  return { kind: 'pending', build: { state: 'queued', by: 'pull', queuedAt, attempts: 0 }, raise: false };
}
