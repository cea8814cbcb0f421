// Setting builds and looks at sources going: the document first, then the hint. A hint that is lost is sent again by
// whoever waits, or by the janitor.
import type { HintTarget } from '#core/hint.ts';
import type { Priority } from '#core/image-document.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import type { Follow, PullPolicy } from '#core/pull-decision.ts';
import type { Hints } from '#core/google/hints.ts';
import type { Pay } from '#core/google/image-asking.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import type { PullState } from '#core/google/pull-state.ts';
import type { SeenSource, Sources } from '#core/google/sources.ts';
import type { SourceAtRef } from '#core/source-at-ref.ts';
import type { SourceKey } from '#core/source-document.ts';

export interface AskingParts {
  readonly images: Images;
  readonly sources: Sources;
  readonly hints: Hints;
  readonly policy: PullPolicy;
  readonly log: Log;
}

export type Asking = ReturnType<typeof createAsking>;

export function createAsking({ images, sources, hints, policy, log }: AskingParts) {
  /**
   * Nobody waits for the hint of a pull: its client waits for the build, sends the hint again, and is not to be kept by
   * a Pub/Sub that is out of reach. Behind any other hint there is nobody, so the caller goes on when it is sent.
   */
  async function sendHint(target: HintTarget, priority: Priority): Promise<void> {
    const sent = hints.send(target, priority).catch((error: unknown) => {
      log.warn({ error, ...target }, 'the hint was not sent; it will be again');
    });
    if (priority === 'refresh') await sent;
  }

  /**
   * Queues the build of an image where there is none. Answers whether it was this call that did. `pay`: what it costs whoever
   * asks, where it costs something.
   */
  async function queueBuild(
    key: RequestKey,
    request: ImageRequest,
    by: Priority,
    seen: SeenImage,
    pay?: Pay,
  ): Promise<boolean> {
    const asked = { by, settings: policy.settings };
    const queued =
      pay === undefined
        ? await images.queue(key, request, asked, seen)
        : await images.queuePaid(key, request, asked, seen, pay);
    if (queued) await sendHint({ look: 'image', key }, by);
    return queued;
  }

  /** Has a worker look at a source, unless one was asked to just now. */
  async function checkSource(key: SourceKey, at: SourceAtRef, seen: SeenSource): Promise<void> {
    if (await sources.ask(key, at, seen)) await sendHint({ look: 'source', key }, 'refresh');
  }

  return {
    queueBuild,
    checkSource,

    /** Someone waits for a build that was nobody's: it goes before those. */
    async raiseBuild(key: RequestKey, seen: SeenImage): Promise<void> {
      if (await images.raise(key, seen)) await sendHint({ look: 'image', key }, 'pull');
    },

    /** What a pull leaves to be done behind its answer. That it cannot be asked for now is no reason not to answer. */
    async follow(key: RequestKey, request: ImageRequest, state: PullState, follow: Follow): Promise<void> {
      try {
        switch (follow) {
          case 'nothing':
            return;
          case 'check-source':
            await checkSource(state.sourceKey, request, state.source);
            return;
          case 'refresh':
            await queueBuild(key, request, 'refresh', state.image);
        }
      } catch (error) {
        log.warn({ error, image: key, follow }, 'what is behind a pull could not be asked for');
      }
    },
  };
}
