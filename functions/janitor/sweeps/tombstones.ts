// Blobs whose tombstone stood for its time: what still names none of them condemns them, together with the facts about layers
// that would have a worker name them again.
import { condemn } from '#core/blob-life.ts';
import { toStored } from '#core/google/firestore.ts';
import { pageByMoment } from '#core/google/pages.ts';
import { decideAndWrite, restAfter, stepsOf, type Sweep, type Workplace } from '../sweep.ts';
import { MANIFEST_BLOBS } from './manifest-blobs.ts';
import { factsOf, naming } from './naming.ts';

const PAGE = 100;

/** Facts that one step takes away: a transaction has at most 500 writes. A blob with more is condemned rounds later. */
const FACTS = 300;

export function sweepTombstones(place: Workplace): Sweep {
  const { tombstoneMs } = place.retention;
  const collection = place.firestore.collection('blobs');
  return {
    name: 'tombstones',
    needs: MANIFEST_BLOBS,
    restMs: restAfter(tombstoneMs),
    page: async (position, now) =>
      stepsOf(
        await pageByMoment(collection, ['tombstone.placedAt'], now - tombstoneMs, position, PAGE),
        digest => ({
          subject: digest,
          take: () =>
            decideAndWrite(place, async transaction => {
              const reference = collection.doc(digest);
              const { document, readTime } = place.blobs.parse(await transaction.get(reference));
              if (document?.tombstone?.stage !== 'liftable') return { outcome: 'kept' };
              const isNamed = !(await transaction.get(naming(place.firestore, digest, 1))).empty;
              const facts = await transaction.get(factsOf(place.firestore, digest, FACTS));
              const next = condemn(document, { isNamed, tombstoneMs }, readTime);
              if (next === undefined) return { outcome: 'kept' };
              const isLast = isNamed || facts.size < FACTS;
              return {
                outcome: isNamed ? 'named' : isLast ? 'condemned' : 'kept',
                write: writing => {
                  if (!isNamed) for (const { ref } of facts.docs) writing.delete(ref);
                  if (isLast) writing.set(reference, toStored(next));
                },
              };
            }),
        }),
      ),
  };
}
