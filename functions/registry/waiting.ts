// Waiting for a build on its document: one listener for each image, however many requests wait for it.
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { pullView } from '#core/image-life.ts';
import type { Seen } from '#core/google/images.ts';
import { startVigil, type Vigil, type VigilParts, type WaitOutcome } from './vigil.ts';

export interface WaitingParts extends VigilParts {
  /** How long one request is held. Milliseconds. */
  readonly holdMs: number;
}

export type Waiting = ReturnType<typeof createWaiting>;

export function createWaiting(parts: WaitingParts) {
  const { images, hints, log, holdMs } = parts;
  const vigils = new Map<RequestKey, Vigil>();

  function vigilFor(key: RequestKey): Vigil {
    let vigil = vigils.get(key);
    if (vigil === undefined) {
      vigil = startVigil(parts, key, () => vigils.delete(key));
      vigils.set(key, vigil);
    }
    return vigil;
  }

  /**
   * Queues the build where there is none. The document comes first: a hint that is lost after it is sent again by
   * whoever waits. Nobody waits for the hint itself: Pub/Sub's client tries for minutes before it gives up.
   */
  async function ask(key: RequestKey, request: ImageRequest, seen: Seen): Promise<void> {
    if (!(await images.queue(key, request, 'pull', seen))) return;
    hints.send(key, 'pull').catch((error: unknown) => {
      log.warn({ error, image: key }, 'the hint was not sent; it will be again while somebody waits');
    });
  }

  return {
    /**
     * The image, its failure, or that it is not ready after the hold time. Asks for a build where there is none.
     * `gone` ends the wait early, as `pending`.
     */
    async forImage(key: RequestKey, request: ImageRequest, gone: AbortSignal): Promise<WaitOutcome> {
      const seen = await images.read(key);
      const view = pullView(seen.document, seen.readTime);
      if (view.kind === 'ready' || view.kind === 'failed') return view;
      if (view.kind === 'unasked') await ask(key, request, seen);

      const vigil = vigilFor(key);
      const settled = await vigil.settled(AbortSignal.any([gone, AbortSignal.timeout(holdMs)]));
      if (settled !== undefined) return settled;

      // A listener may stall: before the client is sent on, the document itself has the word.
      const last = await images.read(key);
      const lastView = pullView(last.document, last.readTime);
      if (lastView.kind !== 'unasked') return lastView;
      // A failure whose hold ended this moment: the next hop asks again.
      return {
        kind: 'pending',
        build: { state: 'queued', by: 'pull', queuedAt: last.readTime, attempts: 0 },
      };
    },
  };
}
