// Having images built before anyone pulls them.
import pLimit from 'p-limit';
import { ZodError } from 'zod';
import type { PullPolicy } from '#core/pull-decision.ts';
import type { Log } from '#core/google/log.ts';
import type { ReadPullState } from '#core/google/pull-state.ts';
import type { Asking } from '../asking.ts';
import { decidePrebuild } from './decide-prebuild.ts';
import type { WantedImage } from './message.ts';

/** Images that are looked at at once: enough that a thousand take seconds, few enough for one connection. */
const AT_ONCE = 16;

export interface PrebuildParts {
  readonly asking: Asking;
  readonly readPullState: ReadPullState;
  readonly policy: PullPolicy;
  readonly log: Log;
}

/**
 * Queues, as refreshes, those images that need a build. Answers how many. Throws what Firestore's client throws where the
 * database cannot be had; the rest is left undone then, and doing it all again does no harm.
 */
export async function queuePrebuilds(parts: PrebuildParts, images: readonly WantedImage[]): Promise<number> {
  const limit = pLimit({ concurrency: AT_ONCE, rejectOnClear: true });
  try {
    const queued = await limit.map(images, image => queuePrebuild(parts, image));
    return queued.filter(Boolean).length;
  } finally {
    limit.clearQueue();
  }
}

async function queuePrebuild(
  { asking, readPullState, policy, log }: PrebuildParts,
  { key, request, name }: WantedImage,
): Promise<boolean> {
  try {
    const state = await readPullState(key, request);
    const follow = decidePrebuild(state, policy);
    if (follow === 'refresh') return await asking.queueBuild(key, request, 'refresh', state.image);
    await asking.follow(key, request, state, follow);
    return false;
  } catch (error) {
    // Read again, it would be the same document.
    if (!(error instanceof ZodError)) throw error;
    log.error(
      { error, image: key, name },
      'an image was left out: its document is not one that this code knows',
    );
    return false;
  }
}
