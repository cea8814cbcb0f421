// The images that are used most: a query by `recentUses`, which is a count as it was when it was noted, put in the order of what
// those counts have come down to since.
import type { Firestore } from '@google-cloud/firestore';
import type { ImageDocument } from '../image-document.ts';
import type { RequestKey } from '../image-request.ts';
import { byCodeUnits } from '../order.ts';
import { recentUsesAt } from '../recent-uses.ts';
import { foundImage, type Unreadable } from './found-image.ts';
import type { SeenImage } from './image-collection.ts';
import type { Images } from './images.ts';

export interface PopularImage {
  readonly key: RequestKey;
  readonly seen: SeenImage & { readonly document: ImageDocument };
  /** The count by now. */
  readonly uses: number;
}

/** The least that counts: a single use of six days ago. */
const LEAST_USES = 0.25;

/** Documents that are read at a time, and how many times: a bound on what is looked through for the few that are wanted. */
const PAGE = 100;
const PAGES = 50;

/**
 * The most used images of those that count, the most used first, and what was found on the way that this code does not know. No
 * count grows by waiting: as soon as one is less, as it was noted, than the last of those that were found, so are all that follow.
 */
export async function readPopularImages(
  firestore: Firestore,
  images: Pick<Images, 'parse'>,
  limit: number,
  counts: (document: ImageDocument) => boolean,
): Promise<{ readonly popular: readonly PopularImage[]; readonly unreadable: readonly Unreadable[] }> {
  const query = firestore.collection('images').orderBy('recentUses', 'desc').limit(PAGE);
  const unreadable: Unreadable[] = [];
  if (limit === 0) return { popular: [], unreadable };
  let popular: PopularImage[] = [];
  const least = (): number => (popular.length < limit ? LEAST_USES : (popular.at(-1)?.uses ?? Infinity));

  let page = await query.get();
  for (let read = 1; ; read += 1) {
    for (const snapshot of page.docs) {
      if (Number(snapshot.get('recentUses')) < least()) return { popular, unreadable };
      const found = foundImage(snapshot, images.parse);
      if ('error' in found) {
        unreadable.push(found);
        continue;
      }
      const { document, readTime, version } = found.seen;
      if (document === undefined || !counts(document)) continue;
      const uses = recentUsesAt(document, readTime);
      if (uses < least()) continue;
      const one = { key: found.key, seen: { document, readTime, version }, uses };
      popular = [...popular, one].toSorted(byUses).slice(0, limit);
    }
    const last = page.docs.at(-1);
    if (page.size < PAGE || last === undefined || read >= PAGES) return { popular, unreadable };
    page = await query.startAfter(last).get();
  }
}

function byUses(one: PopularImage, other: PopularImage): number {
  return other.uses - one.uses || byCodeUnits(one.key, other.key);
}
