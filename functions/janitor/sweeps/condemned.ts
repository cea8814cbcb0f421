// Blobs that are condemned: first the object, and only when that is gone the document. Killed in between, the next janitor
// finds the document, and nothing to delete.
import { isCondemned, isRemovable } from '#core/blob-life.ts';
import { digestSchema } from '#core/digest.ts';
import { blobName } from '#core/google/bucket-contents.ts';
import { pageByName } from '#core/google/pages.ts';
import { decideAndWrite, knownOrLeft, stepsOf, type Outcome, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 100;

export function sweepCondemned(place: Workplace): Sweep {
  const collection = place.firestore.collection('blobs');
  const condemned = collection.where('tombstone.stage', '==', 'final').select();

  async function finish(id: string): Promise<Outcome> {
    const digest = digestSchema.parse(id);
    const { document } = await place.blobs.see(digest);
    if (document === undefined || !isCondemned(document, document)) return 'kept';
    const { generation } = document;
    if (place.dryRun) return 'deleted';
    await place.bucket.delete(blobName(digest), generation);
    return decideAndWrite(place, async transaction => {
      const reference = collection.doc(digest);
      const seen = place.blobs.parse(await transaction.get(reference));
      if (!isRemovable(seen.document, generation)) return { outcome: 'kept' };
      return { outcome: 'deleted', write: writing => void writing.delete(reference) };
    });
  }

  return {
    name: 'condemned',
    // What was condemned in this run goes in it.
    restMs: 0,
    page: async position =>
      stepsOf(await pageByName(condemned, position, PAGE), ({ id }) => ({
        subject: id,
        take: () => knownOrLeft(() => finish(id)),
      })),
  };
}
