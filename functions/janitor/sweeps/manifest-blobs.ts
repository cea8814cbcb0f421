// Manifests that were published before they had a list of their blobs get one, from their bytes: without it, no query would
// find them by what they name, and their blobs would be deleted below them.
import type { DocumentSnapshot } from '@google-cloud/firestore';
import { blobsOf, parseManifest } from '#core/google/manifests.ts';
import { pageByName } from '#core/google/pages.ts';
import { decideAndWrite, stepsOf, type Sweep, type Workplace } from '../sweep.ts';

const PAGE = 200;
const DAY_MS = 24 * 3_600_000;

/** What the sweeps of blobs need to have ended: they go by the lists. */
export const MANIFEST_BLOBS = 'manifest-blobs';

export function sweepManifestBlobs(place: Workplace): Sweep {
  const manifests = place.firestore.collection('manifests');
  return {
    name: MANIFEST_BLOBS,
    // Workers of an earlier version may publish for a while.
    restMs: Math.min(DAY_MS, place.retention.graceMs / 7),
    page: async position =>
      stepsOf(await pageByName(manifests.select('blobs', 'children'), position, PAGE), found => ({
        subject: found.id,
        take: async () => {
          if (isListed(found)) return 'kept';
          return decideAndWrite(place, async transaction => {
            const snapshot = await transaction.get(found.ref);
            if (!snapshot.exists || isListed(snapshot)) return { outcome: 'kept' };
            const blobs = [...blobsOf(parseManifest(snapshot))];
            return { outcome: 'listed', write: writing => void writing.update(found.ref, { blobs }) };
          });
        },
      })),
  };
}

/** An index has children that do. */
function isListed(manifest: DocumentSnapshot): boolean {
  return manifest.get('blobs') !== undefined || manifest.get('children') !== undefined;
}
