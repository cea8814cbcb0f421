// An index beside the images that it is made of: each is a document of its own, which any worker may build, and which
// others may have asked for. As image-life.ts, pure functions; core/google/images.ts runs them in transactions.
import type { Digest } from './digest.ts';
import type { Failure } from './failure.ts';
import {
  askedBuild,
  describeBuild,
  type AskedBuild,
  type ImageDocument,
  type Priority,
} from './image-document.ts';
import { heldImage, needsHint, queue, raise, type Asking } from './image-life.ts';
import { requestKey, requestsByPlatform, type ImageRequest, type RequestKey } from './image-request.ts';
import { failureHolds } from './pull-decision.ts';

/** How the image of one platform stands, to an index that is made at a revision. */
export type Standing =
  | { readonly kind: 'ready'; readonly digest: Digest }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** `queued`: it was asked for just now. `hint`: workers have to be told. */
  | {
      readonly kind: 'under-way';
      readonly build: AskedBuild;
      readonly queued: boolean;
      readonly hint: boolean;
    };

/** What an index asks of an image. */
export interface AskingIndex extends Asking {
  readonly index: RequestKey;
  readonly revision: string;
}

/**
 * An index asks for an image at its revision: finds that there is one, or that there can be none, or has it built and
 * will be looked at when that has ended. `next` is undefined where nothing is to be written.
 */
export function askForIndex(
  image: ImageDocument | undefined,
  asking: AskingIndex,
  now: number,
): { readonly next: ImageDocument | undefined; readonly standing: Standing } {
  const { index, revision, by } = asking;
  if (image?.current?.revision === revision) {
    return { next: undefined, standing: { kind: 'ready', digest: image.current.digest } };
  }
  if (image?.build.state === 'failed' && failureHolds(image, image.build, { revision }, now)) {
    return { next: undefined, standing: { kind: 'failed', failure: image.build.failure } };
  }
  const queued = queue(image, asking, now);
  const raised = by === 'pull' ? raise(queued ?? image) : undefined;
  const asked = raised ?? queued ?? image;
  const build = askedBuild(asked);
  if (asked === undefined || build === undefined) throw new Error('a build that is queued is under way');
  const { indexes = [] } = asked;
  const next = { ...asked, indexes: [...new Set([...indexes, index])] };
  const isNew = queued !== undefined;
  const hint = isNew || raised !== undefined || needsHint(build, now);
  const isWritten = isNew || raised !== undefined || !indexes.includes(index);
  return {
    next: isWritten ? next : undefined,
    standing: { kind: 'under-way', build, queued: isNew, hint },
  };
}

/**
 * The worker that holds an index has nothing to do for it before images are ready, and leaves it waiting for those: unless
 * none is under way any more that will have it looked at, be it that the last one ended this moment. Then it is queued.
 * `images`: those that it lacks. One that it has may be under way all the same, for a newer revision and for whoever else
 * asked: that says nothing of when this index is to be looked at.
 * `asked` says what had to be queued: that makes it a try, or indexes could go round for ever with a source that moves, or
 * with workers that see different ones. Without it, it is none.
 */
export function park(
  document: ImageDocument | undefined,
  token: string,
  index: RequestKey,
  images: readonly (ImageDocument | undefined)[],
  asked: string | undefined,
  now: number,
): ImageDocument | undefined {
  const held = heldImage(document, token);
  if (held === undefined) return undefined;
  const { by, attempts, lastError } = held.build;
  const tries = asked === undefined ? { attempts: attempts - 1, lastError } : { attempts, lastError: asked };
  const build = mayWait(index, by, images)
    ? ({ state: 'waiting', parkedAt: now, by, ...tries } as const)
    : ({ state: 'queued', queuedAt: now, by, ...tries } as const);
  return { ...held, build };
}

/** Whether an index will be looked at without anybody's hint, and its images are built with the urgency that it has. */
function mayWait(index: RequestKey, by: Priority, images: readonly (ImageDocument | undefined)[]): boolean {
  const builds = images
    .filter(image => image?.indexes?.includes(index) === true)
    .flatMap(image => askedBuild(image) ?? []);
  return builds.length > 0 && builds.every(build => by === 'refresh' || build.by === 'pull');
}

/** The keys of the images that an index is made of, in the order of its platforms. */
export function imageKeys({ request, settings }: Pick<ImageDocument, 'request' | 'settings'>): RequestKey[] {
  return requestsByPlatform(request).map(image => requestKey(image, settings));
}

/** A build whose workers are to be woken. */
export interface Sleeper {
  readonly key: RequestKey;
  readonly by: Priority;
}

/**
 * Whose hints should be sent again for an index that waits, its images being these: of images that were left alone, and of
 * the index itself where the end of none of them will have it looked at.
 */
export function leftAlone(
  index: RequestKey,
  document: ImageDocument,
  images: readonly (ImageDocument | undefined)[],
  now: number,
  patienceMs?: number,
): Sleeper[] {
  const sleepers = imageKeys(document).flatMap((key, at) => {
    const build = askedBuild(images[at]);
    return build !== undefined && needsHint(build, now, patienceMs) ? [{ key, by: build.by }] : [];
  });
  const { build } = document;
  const isStuck = build.state === 'waiting' && !mayWait(index, build.by, images);
  return isStuck ? [...sleepers, { key: index, by: build.by }] : sleepers;
}

/** "1 of 2 platforms ready; linux/arm64: building 3/17": how far an index is, for people. */
export function describeIndex(request: ImageRequest, images: readonly (ImageDocument | undefined)[]): string {
  const underWay = request.platforms.flatMap((platform, at) => {
    const build = askedBuild(images[at]);
    return build === undefined ? [] : [`${platform}: ${describeBuild(build)}`];
  });
  const ready = request.platforms.length - underWay.length;
  return [`${ready} of ${request.platforms.length} platforms ready`, ...underWay].join('; ');
}
