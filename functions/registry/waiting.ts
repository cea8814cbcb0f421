// Waiting for a build on its document: one listener for each image, however many requests wait for it.
import type { Digest } from '#core/digest.ts';
import { describeBuild, type AskedBuild } from '#core/image-document.ts';
import { requestKey, type ImageRequest, type RequestKey } from '#core/image-request.ts';
import { describeIndex, imageKeys } from '#core/index-life.ts';
import type { PullPolicy } from '#core/pull-decision.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import { isSilence, within } from '#core/google/firestore.ts';
import type { PullState, ReadPullState } from '#core/google/pull-state.ts';
import type { Asking } from '../asking.ts';
import { createFirestoreCalls } from './firestore-calls.ts';
import type { LastUses } from './last-uses.ts';
import type { AdmittedPull } from './limits/admission.ts';
import type { NewBuilds } from './limits/new-builds.ts';
import { createLooks } from './looks.ts';
import type { ReadyImage } from './ready-images.ts';
import { createSharedWork } from './shared-work.ts';
import { startVigil, type Vigil, type VigilParts, type WaitOutcome } from './vigil.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface WaitingParts extends VigilParts {
  readonly readPullState: ReadPullState;
  readonly asking: Asking;
  readonly policy: PullPolicy;
  readonly room: WaitingRoom;
  readonly newBuilds: NewBuilds;
  /** The longest that the documents of a pull may take, their turn included. Milliseconds. */
  readonly readLimitMs: number;
  /** For how long what was read of an image that is ready is gone by. Milliseconds; 0: every pull reads. */
  readonly cacheMs: number;
  readonly lastUses: LastUses;
  /** Milliseconds by a clock that never goes back: Node's, where nothing else is said. */
  readonly now?: () => number;
}

/**
 * The same behind a hold, for each of two reads: no hold comes closer than 10 s to what the front end gives a request
 * (settings.ts), or to the 30 s of newer containerd. Milliseconds.
 */
export const LAST_READ_LIMIT_MS = 4_000;

/** One request of a pull, to those who wait. */
export interface WaitingRequest {
  readonly pull: AdmittedPull;
  /** How long it may be held. Milliseconds. */
  readonly holdMs: number;
  /** Aborted when the client has left. */
  readonly gone: AbortSignal;
}

export type Waiting = ReturnType<typeof createWaiting>;

export function createWaiting(parts: WaitingParts) {
  const { images, asking, machine, policy, room, newBuilds, readLimitMs, log } = parts;
  const vigils = new Map<RequestKey, Vigil>();
  const call = createFirestoreCalls();
  const lastReadLimitMs = Math.min(readLimitMs, LAST_READ_LIMIT_MS);
  const looks = createLooks({ ...parts, call });
  const forgetting = createSharedWork<RequestKey, void>();

  function vigilFor(key: RequestKey, request: ImageRequest, state: PullState): Vigil {
    let vigil = vigils.get(key);
    if (vigil === undefined) {
      const judge = {
        ofImage: (image: SeenImage) => looks.decide({ ...state, image }),
        ofBoth: async () => (await looks.anew(key, request)).decision,
      };
      vigil = startVigil(parts, key, judge, () => vigils.delete(key));
      vigils.set(key, vigil);
    }
    return vigil;
  }

  /** In the time of one call, the wait for the caller's earlier ones included. */
  function queueBuild(
    key: RequestKey,
    request: ImageRequest,
    state: PullState,
    { account }: AdmittedPull,
  ): Promise<void> {
    const begun = newBuilds.begin(account, pay =>
      call(readLimitMs, () => asking.queueBuild(key, request, 'pull', state.image, pay)),
    );
    return within(readLimitMs, begun);
  }

  /** The outcome, or undefined where there is none yet when the time is over: at `until`, by the monotonic clock. */
  async function wait(
    key: RequestKey,
    request: ImageRequest,
    state: PullState,
    until: number,
    { pull, gone }: WaitingRequest,
  ): Promise<WaitOutcome | undefined> {
    using place = room.enter(pull);
    const leftMs = Math.max(0, Math.ceil(until - performance.now()));
    const over = AbortSignal.timeout(Math.min(leftMs, place.longestMs));
    return await vigilFor(key, request, state).settled(AbortSignal.any([gone, over]));
  }

  /** Undefined where Firestore does not answer: who has waited goes on waiting, and may find it at the next hop. */
  async function unlessSilent<T>(key: RequestKey, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isSilence(error)) throw error;
      log.warn({ error, image: key }, 'the documents could not be read at the end of a wait');
      return undefined;
    }
  }

  return {
    /** The image, where it was ready a moment ago: without a question to anyone. */
    atHand: (key: RequestKey, request: ImageRequest): ReadyImage | undefined =>
      looks.atHand(key, request)?.decision,

    /**
     * The image, its failure, or that it is not ready `holdMs` from now, or sooner where many wait. Asks for a build where there
     * is none, at the caller's cost. Where Firestore is silent, what was ready within ten minutes is the answer (looks.ts). `gone`
     * ends the wait early, as `pending`. Throws a TransientError where Firestore does not answer and there is nothing of that kind,
     * and what the caller is told who has had enough.
     */
    async forImage(
      key: RequestKey,
      request: ImageRequest,
      waitingRequest: WaitingRequest,
    ): Promise<WaitOutcome> {
      const until = performance.now() + waitingRequest.holdMs;
      const { state, decision } = looks.atHand(key, request) ?? (await looks.anewOrLatest(key, request));
      switch (decision.kind) {
        case 'ready':
        case 'failed':
          return decision;
        case 'unasked':
          await queueBuild(key, request, state, waitingRequest.pull);
          break;
        case 'pending':
          if (decision.raise) await call(readLimitMs, () => asking.raiseBuild(key, state.image));
          break;
      }
      const settled = await wait(key, request, state, until, waitingRequest);
      if (settled !== undefined) return settled;

      const pending = decision.kind === 'pending' ? decision : justQueued(state.image.readTime);
      if (waitingRequest.gone.aborted) return pending;
      // A listener may stall: before the client is sent on, the documents themselves have the word.
      const last = await unlessSilent(key, () => looks.anew(key, request, lastReadLimitMs));
      // A failure whose hold ended this moment: the next hop asks again.
      return last === undefined || last.decision.kind === 'unasked' ? pending : last.decision;
    },

    /**
     * What was to be answered names a manifest that is not stored. Where it does so still, the image is made again, at nobody's
     * cost; where it is another by now, that is known from now on.
     */
    forgetMissing: (key: RequestKey, request: ImageRequest, digest: Digest): Promise<void> =>
      forgetting(key, async () => {
        if (await call(lastReadLimitMs, () => images.loseIfMissing(key, digest))) {
          log.error({ image: key, manifest: digest }, 'an image has no manifest any more: it is made again');
        }
        await looks.anew(key, request, lastReadLimitMs);
      }),

    /** How far a build is, for people; of an index: how far its images are. */
    async progress(request: ImageRequest, build: AskedBuild): Promise<string> {
      if (build.state === 'queued' && machine.isStarting) return 'starting the worker';
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
