// Waiting for a build on its document: one listener for each image, however many requests wait for it.
import { describeBuild, type AskedBuild } from '#core/image-document.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { describeIndex, imageKeys } from '#core/index-life.ts';
import { decidePull, type PullDecision, type PullPolicy } from '#core/pull-decision.ts';
import type { SeenImage } from '#core/google/images.ts';
import type { PullState, ReadPullState } from '#core/google/pull-state.ts';
import type { Asking } from '../asking.ts';
import { startVigil, type Vigil, type VigilParts, type WaitOutcome } from './vigil.ts';

export interface WaitingParts extends VigilParts {
  readonly readPullState: ReadPullState;
  readonly asking: Asking;
  readonly policy: PullPolicy;
  /** How long one request is held. Milliseconds. */
  readonly holdMs: number;
}

export type Waiting = ReturnType<typeof createWaiting>;

export function createWaiting(parts: WaitingParts) {
  const { images, readPullState, asking, policy, holdMs } = parts;
  const vigils = new Map<RequestKey, Vigil>();

  function decide({ image, source }: PullState): PullDecision {
    return decidePull(image.document, source.document, policy, image.readTime);
  }

  function vigilFor(key: RequestKey, request: ImageRequest, state: PullState): Vigil {
    let vigil = vigils.get(key);
    if (vigil === undefined) {
      const judge = {
        ofImage: (image: SeenImage) => decide({ ...state, image }),
        ofBoth: async () => decide(await readPullState(key, request)),
      };
      vigil = startVigil(parts, key, judge, () => vigils.delete(key));
      vigils.set(key, vigil);
    }
    return vigil;
  }

  return {
    /**
     * The image, its failure, or that it is not ready after the hold time. Asks for a build where there is none.
     * `gone` ends the wait early, as `pending`.
     */
    async forImage(key: RequestKey, request: ImageRequest, gone: AbortSignal): Promise<WaitOutcome> {
      const state = await readPullState(key, request);
      const decision = decide(state);
      switch (decision.kind) {
        case 'ready':
        case 'failed':
          await asking.follow(key, request, state, decision.follow);
          return decision;
        case 'unasked':
          await asking.queueBuild(key, request, 'pull', state.image);
          break;
        case 'pending':
          if (decision.raise) await asking.raiseBuild(key, state.image);
          break;
      }
      const settled = await vigilFor(key, request, state).settled(
        AbortSignal.any([gone, AbortSignal.timeout(holdMs)]),
      );
      if (settled !== undefined) return settled;

      // A listener may stall: before the client is sent on, the documents themselves have the word.
      const last = await readPullState(key, request);
      const lastDecision = decide(last);
      if (lastDecision.kind !== 'unasked') return lastDecision;
      // A failure whose hold ended this moment: the next hop asks again.
      const build = { state: 'queued', by: 'pull', queuedAt: last.image.readTime, attempts: 0 } as const;
      return { kind: 'pending', build, raise: false };
    },

    /** How far a build is, for people; of an index: how far its images are. */
    async progress(request: ImageRequest, build: AskedBuild): Promise<string> {
      if (build.state !== 'waiting') return describeBuild(build);
      const seen = await images.readAll(imageKeys({ request, settings: policy.settings }));
      return describeIndex(
        request,
        seen.map(({ document }) => document),
      );
    },
  };
}
