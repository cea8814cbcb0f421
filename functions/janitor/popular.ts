// Popular images first: those that are used most have their sources looked at, and are made again where these have moved, before
// anyone pulls them and waits.
import { z } from 'zod';
import type { Firestore } from '@google-cloud/firestore';
import type { ImageDocument } from '#core/image-document.ts';
import { decidePull, type PullPolicy } from '#core/pull-decision.ts';
import { isPinned, sourceKey, type SourceDocument, type SourceKey } from '#core/source-document.ts';
import type { Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import { readPopularImages, type PopularImage } from '#core/google/popular-images.ts';
import type { SeenSource, Sources } from '#core/google/sources.ts';
import type { Asking } from '../asking.ts';

export interface PopularParts {
  readonly firestore: Firestore;
  readonly images: Pick<Images, 'parse'>;
  readonly sources: Pick<Sources, 'read'>;
  readonly asking: Pick<Asking, 'queueBuild' | 'checkSource'>;
  readonly policy: PullPolicy;
  readonly log: Log;
}

/** What is done, or would be in a dry run. */
export interface Refreshes {
  readonly queuedImages: number;
  readonly sourcesToLookAt: number;
}

/** What one of the images lacks. */
type Lack =
  | { readonly what: 'a build'; readonly image: PopularImage }
  | { readonly what: 'a look'; readonly image: PopularImage; readonly source: SeenSource };

/**
 * Queues those of the `limit` most used images that are out of date, as refreshes, the most used first; and has the source of
 * those looked at of which nobody knows. Who does it again, or at the same time, finds it done.
 */
export async function refreshPopular(
  parts: PopularParts,
  limit: number,
  { dryRun = false } = {},
): Promise<Refreshes> {
  const { asking, policy, log } = parts;
  const { popular, unreadable } = await readPopularImages(parts.firestore, parts.images, limit, image =>
    mayBeRefreshed(image, policy),
  );
  if (unreadable.length > 0) {
    log.warn(
      { ...unreadable[0], count: unreadable.length },
      'images were left out that this code does not know',
    );
  }
  let queuedImages = 0;
  let sourcesToLookAt = 0;
  for (const lack of await lacks(popular, parts)) {
    const { key, seen, uses } = lack.image;
    const { request } = seen.document;
    if (dryRun) log.info({ image: key, uses, lacks: lack.what }, 'what would be asked for');
    if (lack.what === 'a look') {
      if (!dryRun) await asking.checkSource(sourceKey(request), request, lack.source);
      sourcesToLookAt += 1;
    } else if (dryRun || (await asking.queueBuild(key, request, 'refresh', seen))) {
      queuedImages += 1;
    }
  }
  return { queuedImages, sourcesToLookAt };
}

/** What is another deployment's has no worker here, and what names a commit is never another image. */
function mayBeRefreshed(image: ImageDocument, { settings }: PullPolicy): boolean {
  return image.settings === settings && !isPinned(image.request);
}

/** In the order of the images; each source once. */
async function lacks(
  images: readonly PopularImage[],
  { sources, policy, log }: PopularParts,
): Promise<Lack[]> {
  async function readKnown(key: SourceKey): Promise<SeenSource | 'unknown'> {
    try {
      return await sources.read(key);
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      log.warn({ error, source: key }, 'images were left out: their source is not one that this code knows');
      return 'unknown';
    }
  }

  const found: Lack[] = [];
  const known = new Map<SourceKey, SeenSource | 'unknown'>();
  const due = new Set<SourceKey>();
  for (const image of images) {
    const key = sourceKey(image.seen.document.request);
    const source = known.get(key) ?? (await readKnown(key));
    known.set(key, source);
    if (source === 'unknown') continue;
    const what = lackOf(image, source.document, policy);
    if (what === 'a build') found.push({ what, image });
    if (what === 'a look' && !due.has(key)) found.push({ what, image, source });
    if (what === 'a look') due.add(key);
  }
  return found;
}

/**
 * As behind a pull; what is served no longer lacks a build too. But what failed at the revision where the source stands is left to
 * those who pull it: at nobody's wish it would be tried again and again, and fail as often.
 */
function lackOf(
  { seen: { document, readTime } }: PopularImage,
  source: SourceDocument | undefined,
  policy: PullPolicy,
): Lack['what'] | undefined {
  const decision = decidePull(document, source, policy, readTime);
  if (decision.kind === 'pending') return undefined;
  if (decision.kind !== 'unasked' && decision.follow === 'check-source') return 'a look';
  if (decision.kind === 'failed' || (decision.kind === 'ready' && decision.follow === 'nothing'))
    return undefined;
  const { build } = document;
  const hasFailedHere =
    build.state === 'failed' && build.revision !== undefined && build.revision === source?.resolved?.revision;
  return hasFailedHere ? undefined : 'a build';
}
