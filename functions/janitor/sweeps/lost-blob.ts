// A blob whose object is gone, or has other bytes: found out before a client does. What names it goes first, images that had it
// are queued to be made again, and the document goes last, by which a janitor that comes after a kill knows that there is
// something left to do.
import type { Transaction } from '@google-cloud/firestore';
import { inspect, isServed, type BlobDocument } from '#core/blob-life.ts';
import { digestSchema, type Digest } from '#core/digest.ts';
import { blobName } from '#core/google/bucket-contents.ts';
import { toStored } from '#core/google/firestore.ts';
import { lose } from '#core/image-life.ts';
import { requestKeySchema } from '#core/image-request.ts';
import { decideAndWrite, type Decision, type Outcome, type Workplace } from '../sweep.ts';
import { factsOf, naming } from './naming.ts';

/** What one query takes: there may be more, which is looked for again. */
const PAGE = 100;

/** Looks at the object once more, and forgets the blob where it is not whole. */
export async function forgetLost(place: Workplace, digest: Digest): Promise<Outcome> {
  const { firestore, blobs, bucket } = place;
  const seen = await blobs.see(digest);
  const found = await bucket.look(blobName(digest));
  const verdict = inspect(seen.document, found, seen.readTime);
  if (verdict.kind === 'not-served') return 'kept';
  if (verdict.kind === 'whole') return correctGeneration(place, digest, seen.document, verdict.next);
  if (place.dryRun) return 'lost';
  const lost = { digest, generation: seen.document?.generation };
  for (;;) {
    const { docs } = await naming(firestore, digest, PAGE).get();
    for (const { id } of docs) {
      const outcome = await forgetManifest(place, lost, digestSchema.parse(id));
      if (outcome !== 'deleted') return outcome;
    }
    if (docs.length === 0) break;
  }
  // Other bytes under its name: no document is ever to tell of them.
  if (found !== undefined) await bucket.delete(found.name, found.generation);
  return decideAndWrite(place, async transaction => {
    if (!(await isStillLost(place, transaction, lost))) return { outcome: 'kept' };
    const named = await transaction.get(naming(firestore, digest, 1));
    const facts = await transaction.get(factsOf(firestore, digest, PAGE));
    // The next round goes on.
    if (!named.empty) return { outcome: 'busy' };
    return {
      outcome: 'lost',
      write: writing => {
        for (const { ref } of facts.docs) writing.delete(ref);
        if (facts.size < PAGE) writing.delete(firestore.collection('blobs').doc(digest));
      },
    };
  });
}

/** A blob as it was when its object was looked at. */
interface Lost {
  readonly digest: Digest;
  readonly generation: string | undefined;
}

/** Whoever stores it again gives it another generation. */
async function isStillLost(
  { firestore, blobs }: Workplace,
  transaction: Transaction,
  { digest, generation }: Lost,
): Promise<boolean> {
  const { document } = blobs.parse(await transaction.get(firestore.collection('blobs').doc(digest)));
  return isServed(document) && document.generation === generation;
}

function correctGeneration(
  place: Workplace,
  digest: Digest,
  before: BlobDocument | undefined,
  next: BlobDocument,
): Promise<Outcome> {
  const reference = place.firestore.collection('blobs').doc(digest);
  return decideAndWrite(place, async transaction => {
    const { document } = place.blobs.parse(await transaction.get(reference));
    if (!isServed(document) || document.generation !== before?.generation) return { outcome: 'kept' };
    if (document.generation === next.generation) return { outcome: 'kept' };
    const corrected = { ...document, generation: next.generation, seenAt: next.seenAt };
    return { outcome: 'corrected', write: writing => void writing.set(reference, toStored(corrected)) };
  });
}

/** Takes a manifest away, and before it all that has it. Not 'deleted' where that cannot be, or the blob is lost no more. */
async function forgetManifest(place: Workplace, lost: Lost, manifest: Digest): Promise<Outcome> {
  const { firestore } = place;
  const manifests = firestore.collection('manifests');
  const ofImages = firestore.collection('images').where('current.digest', '==', manifest).select();
  const ofIndexes = manifests.where('children', 'array-contains', manifest).select();
  for (const { id } of (await ofIndexes.get()).docs)
    await forgetManifest(place, lost, digestSchema.parse(id));
  for (const { id } of (await ofImages.get()).docs) await makeAgain(place, lost, manifest, id);
  return decideAndWrite(place, async (transaction): Promise<Decision> => {
    if (!(await isStillLost(place, transaction, lost))) return { outcome: 'kept' };
    const reference = manifests.doc(manifest);
    const snapshot = await transaction.get(reference);
    if (!snapshot.exists) return { outcome: 'deleted' };
    for (const query of [ofImages.limit(1), ofIndexes.limit(1)]) {
      if (!(await transaction.get(query)).empty) return { outcome: 'busy' };
    }
    return { outcome: 'deleted', write: writing => void writing.delete(reference) };
  });
}

/** An image that has the manifest has none any more, and is queued as a refresh. */
async function makeAgain(place: Workplace, lost: Lost, manifest: Digest, id: string): Promise<void> {
  const key = requestKeySchema.parse(id);
  const reference = place.images.reference(key);
  const outcome = await decideAndWrite(place, async transaction => {
    const isLost = await isStillLost(place, transaction, lost);
    const { document, readTime } = place.images.parse(await transaction.get(reference));
    const next = isLost ? lose(document, manifest, readTime) : undefined;
    if (next === undefined) return { outcome: 'kept' };
    return { outcome: 'lost', write: writing => void writing.set(reference, toStored(next)) };
  });
  // A hint that is lost is sent again, as those of all builds that nobody waits for.
  if (outcome === 'lost') await place.hints.send({ look: 'image', key }, 'refresh');
}
