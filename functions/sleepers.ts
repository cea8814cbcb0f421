// Builds that go on only when somebody sends a hint again: what those who wait and the janitor look for.
import type { Images } from '#core/google/images.ts';
import type { ImageDocument } from '#core/image-document.ts';
import { needsHint } from '#core/image-life.ts';
import type { RequestKey } from '#core/image-request.ts';
import { imageKeys, leftAlone, type Sleeper } from '#core/index-life.ts';

/**
 * Whose hints are to be sent again for this build to go on, at `now` by the server's clock: its own, or, of an index that
 * waits, perhaps those of its images.
 */
export async function sleepersOf(
  images: Images,
  key: RequestKey,
  document: ImageDocument,
  now: number,
  patienceMs?: number,
): Promise<Sleeper[]> {
  const { build } = document;
  if (!needsHint(build, now, patienceMs)) return [];
  if (build.state !== 'waiting') return [{ key, by: build.by }];
  const seen = await images.readAll(imageKeys(document));
  return leftAlone(
    key,
    document,
    seen.map(image => image.document),
    now,
    patienceMs,
  );
}
