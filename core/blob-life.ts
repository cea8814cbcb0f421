// A blob's life: every transition of its document, as a pure function to the next one. Workers write blobs and refer to
// them, the janitor takes away what nothing names; core/google/blobs.ts runs both in transactions. Times are the server's,
// in milliseconds. docs/storage.md says why this stays whole.
import { z } from 'zod';

const serverTime = z.number();

const storedBlobSchema = z.object({
  /** Bytes. */
  size: z.int().nonnegative(),
  /** Base 64 of the big-endian CRC32C, as Cloud Storage prints it. */
  crc32c: z.string(),
  /** The object's generation: which of the writes under this name it was. Unique, and in no order. */
  generation: z.string(),
});

/** An object of the bucket, as it was seen. */
export type StoredBlob = z.infer<typeof storedBlobSchema>;

export const blobDocumentSchema = storedBlobSchema.extend({
  /** When something last named it, as far as anybody noted: what its expiry goes by. */
  lastReference: serverTime,
  /** When its object was last seen in the bucket, whole. Absent where nobody is known to have looked. */
  seenAt: serverTime.optional(),
  /**
   * Absent while it is live. `liftable`: nothing named it for the grace time; it is served, and will be deleted unless
   * something names it. `final`: the object of this generation is being deleted, and only a new one brings the blob back.
   */
  tombstone: z.object({ placedAt: serverTime, stage: z.enum(['liftable', 'final']) }).optional(),
});
export type BlobDocument = z.infer<typeof blobDocumentSchema>;

/** For so long what somebody saw in the bucket is believed to be there. References are noted as often. Milliseconds. */
export const BELIEVED_MS = 3_600_000;

/** Whether clients may be sent to it: its object is there, and nobody is deleting it. */
export function isServed(blob: BlobDocument | undefined): blob is BlobDocument {
  return blob !== undefined && blob.tombstone?.stage !== 'final';
}

/** Whether this very object is being deleted. */
export function isCondemned(
  blob: BlobDocument | undefined,
  { generation }: { readonly generation: string },
): boolean {
  return blob?.tombstone?.stage === 'final' && blob.generation === generation;
}

/**
 * A worker has written the object, or found it whole: it is live, whatever tombstone there was. Undefined where this very
 * object is condemned.
 *
 * A find counts only for the document as it was *before* the look at the bucket, and still is: an object that is there after
 * its document was seen to condemn another generation is nobody's to delete.
 */
export function record(
  blob: BlobDocument | undefined,
  { size, crc32c, generation }: StoredBlob,
  now: number,
): BlobDocument | undefined {
  if (isCondemned(blob, { generation })) return undefined;
  return { size, crc32c, generation, lastReference: now, seenAt: now };
}

/** Whether a manifest may name a blob. */
export type Reference =
  /** `next`: the document as it has to be from then on; undefined where it may stay as it is. */
  | { readonly kind: 'there'; readonly next: BlobDocument | undefined }
  /** Nobody has seen its object for {@link BELIEVED_MS}: it is to be looked at first. */
  | { readonly kind: 'unseen' }
  /** It is not known, or condemned: it has to be stored again. */
  | { readonly kind: 'missing' };

/** A manifest that names the blob is published: that lifts its tombstone. */
export function refer(blob: BlobDocument | undefined, now: number): Reference {
  if (!isServed(blob)) return { kind: 'missing' };
  if (blob.seenAt === undefined || now - blob.seenAt > BELIEVED_MS) return { kind: 'unseen' };
  const isNoted = blob.tombstone === undefined && now - blob.lastReference <= BELIEVED_MS;
  return { kind: 'there', next: isNoted ? undefined : live(blob, now) };
}

/**
 * The janitor's first step with a blob: where nothing was noted to name it for the grace time, a tombstone, or, where a
 * manifest names it, the note. Undefined where it is not due.
 */
export function expire(
  blob: BlobDocument,
  { isNamed, graceMs }: { readonly isNamed: boolean; readonly graceMs: number },
  now: number,
): BlobDocument | undefined {
  if (blob.tombstone !== undefined || now - blob.lastReference < graceMs) return undefined;
  return isNamed ? live(blob, now) : { ...blob, tombstone: { placedAt: now, stage: 'liftable' } };
}

/** The second: a tombstone that nothing lifted for its time becomes final, unless a manifest names the blob after all. */
export function condemn(
  blob: BlobDocument,
  { isNamed, tombstoneMs }: { readonly isNamed: boolean; readonly tombstoneMs: number },
  now: number,
): BlobDocument | undefined {
  const { tombstone } = blob;
  if (tombstone?.stage !== 'liftable' || now - tombstone.placedAt < tombstoneMs) return undefined;
  return isNamed ? live(blob, now) : { ...blob, tombstone: { placedAt: now, stage: 'final' } };
}

/**
 * The third, once the object of this generation is deleted, or was gone: whether the document goes too. Not before: who finds
 * no document takes whatever object there is for one that stays.
 */
export function isRemovable(blob: BlobDocument | undefined, generation: string): boolean {
  return isCondemned(blob, { generation });
}

/**
 * An object that no document tells of gets one, in a state from which anybody may take it up. Nobody has seen it there yet: it
 * was seen before the document was, and may have been deleted in between.
 */
export function adopt(
  blob: BlobDocument | undefined,
  { size, crc32c, generation }: StoredBlob,
  now: number,
): BlobDocument | undefined {
  if (blob !== undefined) return undefined;
  return { size, crc32c, generation, lastReference: now, tombstone: { placedAt: now, stage: 'liftable' } };
}

/** Whether an object has the bytes that it should, as far as its description tells. */
export function isSame(
  found: Pick<StoredBlob, 'size' | 'crc32c'>,
  { size, crc32c }: Pick<StoredBlob, 'size' | 'crc32c'>,
): boolean {
  return found.size === size && found.crc32c === crc32c;
}

/** What a look at the bucket says of a blob that is served: the next document, if its object is whole, or that it is lost. */
export function inspect(
  blob: BlobDocument | undefined,
  found: StoredBlob | undefined,
  now: number,
):
  | { readonly kind: 'whole'; readonly next: BlobDocument }
  | { readonly kind: 'lost' }
  | { readonly kind: 'not-served' } {
  if (!isServed(blob)) return { kind: 'not-served' };
  if (found === undefined || !isSame(found, blob)) return { kind: 'lost' };
  return { kind: 'whole', next: { ...blob, generation: found.generation, seenAt: now } };
}

function live({ tombstone: _lifted, ...blob }: BlobDocument, now: number): BlobDocument {
  return { ...blob, lastReference: now };
}
