// Frozen snapshots of revisions that nothing has any more: no image, and no source that the next image will be made from.
import { SNAPSHOTS_PREFIX } from '#core/snapshot-name.ts';
import { revisionOf } from '#core/google/snapshots.ts';
import type { FoundObject } from '#core/google/bucket-contents.ts';
import { restAfter, stepsOf, type Outcome, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 200;

export function sweepSnapshots(place: Workplace): Sweep {
  const { firestore, snapshotsBucket: bucket, retention } = place;
  const images = firestore.collection('images');
  const sources = firestore.collection('sources');

  async function collect(object: FoundObject, now: number): Promise<Outcome> {
    if (now - object.createdAt < retention.keepMs) return 'kept';
    const revision = revisionOf(object.notes);
    if (revision === undefined) return 'unknown';
    const used = await Promise.all([
      images.where('current.revision', '==', revision).limit(1).select().get(),
      sources.where('resolved.revision', '==', revision).limit(1).select().get(),
    ]);
    if (used.some(({ empty }) => !empty)) return 'kept';
    // The next image of that revision has another frozen: none is left that would have to share layers with this one's.
    if (!place.dryRun) await bucket.delete(object.name, object.generation);
    return 'deleted';
  }

  return {
    name: 'snapshots',
    restMs: restAfter(retention.keepMs),
    page: async (position, now) =>
      stepsOf(await bucket.list(SNAPSHOTS_PREFIX, position, PAGE), object => ({
        subject: object.name,
        take: () => collect(object, now),
      })),
  };
}
