// Blobs that nothing was seen to name for the grace time. Where a manifest does, that is noted, and they are looked at again
// after as long; the others get a tombstone, from which whoever names them still takes them up.
import { expire } from '#core/blob-life.ts';
import { toStored } from '#core/google/firestore.ts';
import { pageByMoment } from '#core/google/pages.ts';
import { decideAndWrite, restAfter, stepsOf, type Sweep, type Workplace } from '../sweep.ts';
import { MANIFEST_BLOBS } from './manifest-blobs.ts';
import { naming } from './naming.ts';

const PAGE = 100;

export function sweepBlobs(place: Workplace): Sweep {
  const { graceMs } = place.retention;
  const collection = place.firestore.collection('blobs');
  return {
    name: 'blobs',
    needs: MANIFEST_BLOBS,
    restMs: restAfter(graceMs),
    page: async (position, now) =>
      stepsOf(await pageByMoment(collection, ['lastReference'], now - graceMs, position, PAGE), digest => ({
        subject: digest,
        take: () =>
          decideAndWrite(place, async transaction => {
            const reference = collection.doc(digest);
            const { document, readTime } = place.blobs.parse(await transaction.get(reference));
            if (document === undefined || document.tombstone !== undefined) return { outcome: 'kept' };
            const isNamed = !(await transaction.get(naming(place.firestore, digest, 1))).empty;
            const next = expire(document, { isNamed, graceMs }, readTime);
            if (next === undefined) return { outcome: 'kept' };
            return {
              outcome: isNamed ? 'named' : 'marked',
              write: writing => void writing.set(reference, toStored(next)),
            };
          }),
      })),
  };
}
