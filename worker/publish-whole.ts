// The last step of a build, with all that it may take until everything that its manifest names is there.
import { TransientError } from '#core/errors.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { Digest } from '#core/digest.ts';
import type { Publication } from '#core/google/image-holding.ts';
import type { Log } from '#core/google/log.ts';
import type { Manifest } from '#core/google/manifests.ts';
import type { Mend } from './mend.ts';

export interface PublishParts {
  readonly publish: (manifest: Manifest) => Promise<Publication>;
  readonly mend: Mend;
  /** Makes the image again, of what is known by now. */
  readonly remake: () => Promise<Manifest>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly signal: AbortSignal;
}

export interface PublishedWhole {
  readonly digest: Digest;
  /** The indexes that waited for it. */
  readonly waiting: readonly RequestKey[];
}

/** Tries of one build. The second finds everything looked at, and the third everything stored; others may be in between. */
const TRIES = 5;

/**
 * Publishes a manifest. Where nobody saw blobs of it lately, they are looked at; where some are gone, the image is made again
 * without them. Throws a {@link TransientError} where that does not come to an end.
 */
export async function publishWhole(
  { publish, mend, remake, log, signal }: PublishParts,
  made: Manifest,
): Promise<PublishedWhole> {
  let manifest = made;
  for (let tries = 1; ; tries += 1) {
    const publication = await publish(manifest);
    if (publication.kind === 'published') return { digest: manifest.digest, waiting: publication.waiting };
    const { children } = publication;
    if (children.length > 0) {
      throw new TransientError(`images of this index are gone: ${children.join(', ')}`);
    }
    if (tries === TRIES)
      throw new TransientError('blobs of this image are deleted as fast as they are stored');
    const gone = await mend(publication);
    signal.throwIfAborted();
    if (gone.length === 0) {
      log.info({ blobs: publication.unseen.length }, 'blobs that nobody saw lately are all there');
    } else {
      log.warn({ gone }, 'blobs are gone that were stored once: the image is made again');
      manifest = await remake();
    }
  }
}
