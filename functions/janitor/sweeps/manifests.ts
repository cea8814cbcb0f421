// Manifests that nobody pulled, and that no image and no index has any more.
import { isManifestUnused } from '#core/expiry.ts';
import { parseManifest } from '#core/google/manifests.ts';
import { pageByMoment } from '#core/google/pages.ts';
import { decideAndWrite, restAfter, stepsOf, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 100;

export function sweepManifests(place: Workplace): Sweep {
  const { keepMs } = place.retention;
  const images = place.firestore.collection('images');
  const manifests = place.firestore.collection('manifests');
  return {
    name: 'manifests',
    restMs: restAfter(keepMs),
    page: async (position, now) =>
      stepsOf(await pageByMoment(manifests, ['usedAt'], now - keepMs, position, PAGE), digest => ({
        subject: digest,
        take: () =>
          decideAndWrite(place, async transaction => {
            const reference = manifests.doc(digest);
            const snapshot = await transaction.get(reference);
            if (!snapshot.exists) return { outcome: 'kept' };
            const { usedAt } = parseManifest(snapshot);
            if (!isManifestUnused(usedAt, snapshot.readTime.toMillis(), keepMs)) return { outcome: 'kept' };
            // Whoever publishes one of these meanwhile changes what the queries find, and this transaction fails.
            const ofImages = images.where('current.digest', '==', digest).limit(1).select();
            const ofIndexes = manifests.where('children', 'array-contains', digest).limit(1).select();
            for (const query of [ofImages, ofIndexes]) {
              if (!(await transaction.get(query)).empty) return { outcome: 'kept' };
            }
            return { outcome: 'deleted', write: writing => void writing.delete(reference) };
          }),
      })),
  };
}
