// Sources that nobody looked at, and that no image names any more.
import { isSourceUnused } from '#core/expiry.ts';
import { EVERY_REF } from '#core/git-ref.ts';
import { pageByMoment } from '#core/google/pages.ts';
import { sourceKeySchema } from '#core/source-document.ts';
import { decideAndWrite, restAfter, stepsOf, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 100;

/** Every source has one of these. */
const MOMENTS = ['resolved.checkedAt', 'refs.listedAt', 'askedAt'];

export function sweepSources(place: Workplace): Sweep {
  const { keepMs } = place.retention;
  const images = place.firestore.collection('images');
  const collection = place.firestore.collection('sources');
  return {
    name: 'sources',
    restMs: restAfter(keepMs),
    page: async (position, now) =>
      stepsOf(await pageByMoment(collection, MOMENTS, now - keepMs, position, PAGE), key => ({
        subject: key,
        take: () =>
          decideAndWrite(place, async transaction => {
            const reference = collection.doc(sourceKeySchema.parse(key));
            const { document, readTime } = place.sources.parse(await transaction.get(reference));
            if (document === undefined || !isSourceUnused(document, readTime, keepMs))
              return { outcome: 'kept' };
            const { source, ref } = document;
            const ofSource = images.where('request.source', '==', source);
            const naming = ref === EVERY_REF ? ofSource : ofSource.where('request.ref', '==', ref);
            if (!(await transaction.get(naming.limit(1).select())).empty) return { outcome: 'kept' };
            return { outcome: 'deleted', write: writing => void writing.delete(reference) };
          }),
      })),
  };
}
