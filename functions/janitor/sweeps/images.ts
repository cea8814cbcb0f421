// Images that nobody used: their documents go, and with them the last reason to keep their manifests.
import { isImageUnused } from '#core/expiry.ts';
import { pageByMoment } from '#core/google/pages.ts';
import { decideAndWrite, restAfter, stepsOf, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 100;

/** Every image that can go has one of these; when it was pulled, if ever, is looked at in the step. */
const MOMENTS = [
  'current.builtAt',
  'build.failedAt',
  'build.queuedAt',
  'build.lease.renewedAt',
  'build.parkedAt',
];

export function sweepImages(place: Workplace): Sweep {
  const { keepMs } = place.retention;
  const collection = place.firestore.collection('images');
  return {
    name: 'images',
    restMs: restAfter(keepMs),
    page: async (position, now) =>
      stepsOf(await pageByMoment(collection, MOMENTS, now - keepMs, position, PAGE), key => ({
        subject: key,
        take: () =>
          decideAndWrite(place, async transaction => {
            const reference = collection.doc(key);
            const { document, readTime } = place.images.parse(await transaction.get(reference));
            if (document === undefined || !isImageUnused(document, readTime, keepMs))
              return { outcome: 'kept' };
            return { outcome: 'deleted', write: writing => void writing.delete(reference) };
          }),
      })),
  };
}
