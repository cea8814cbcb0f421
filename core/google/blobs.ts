// `blobs/{digest}`: what lies in the bucket, by its life (core/blob-life.ts). Answers HEAD and 404 without asking Cloud Storage.
import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import * as life from '../blob-life.ts';
import { blobDocumentSchema, isServed, type BlobDocument, type StoredBlob } from '../blob-life.ts';
import type { Digest } from '../digest.ts';
import { openDocuments, type Documents, type Seen } from './documents.ts';

export type SeenBlob = Seen<BlobDocument>;

export type Blobs = ReturnType<typeof openBlobs>;

/** `documents`: where they are kept instead, for tests that lead blobs through all that may happen to them. */
export function openBlobs(firestore: Firestore, documents?: Documents<Digest, BlobDocument>) {
  const collection = firestore.collection('blobs');
  return blobsIn(collection, documents ?? openDocuments(collection, blobDocumentSchema));
}

function blobsIn(collection: CollectionReference, documents: Documents<Digest, BlobDocument>) {
  return {
    /** The document as it is, to be changed if it stays so. */
    see: documents.read,

    parse: documents.parse,

    /** Where its document is, to be read together with others. */
    reference: (digest: Digest) => collection.doc(digest),

    /** Undefined where nothing of this digest is stored, or where it is being deleted. */
    async read(digest: Digest): Promise<StoredBlob | undefined> {
      const { document } = await documents.read(digest);
      if (!isServed(document)) return undefined;
      const { size, crc32c, generation } = document;
      return { size, crc32c, generation };
    },

    /**
     * Notes that the object was written into the bucket, whole, just now. Only after the upload: a fact comes after what it
     * says. False where an object of this name is being deleted (whether it is this one, a look at the bucket tells), or
     * where it was written longer than `promptMs` ago when the document is read. Both times are Google's: that of who writes
     * stands still while his machine does.
     */
    record(
      digest: Digest,
      written: StoredBlob & { readonly createdAt?: number },
      promptMs = Infinity,
    ): Promise<boolean> {
      const { createdAt = 0 } = written;
      return documents.change(digest, (document, now) => {
        const isBeingDeleted = document !== undefined && !isServed(document);
        const isLate = now - createdAt > promptMs;
        const next = isBeingDeleted || isLate ? undefined : life.record(document, written, now);
        return { next, result: next !== undefined };
      });
    },

    /** Gives an object that no document tells of one: to be looked at once more, now that it has. */
    async adopt(digest: Digest, found: StoredBlob): Promise<void> {
      await documents.change(digest, (document, now) => ({
        next: life.adopt(document, found, now),
        result: undefined,
      }));
    },

    /**
     * Notes that the object was found in the bucket, whole, after its document was `seen`. False where that has changed, or
     * condemns this very object. Not for a document that is not there: it may have been there in between.
     */
    async recordFound(digest: Digest, found: StoredBlob, seen: SeenBlob): Promise<boolean> {
      const next = seen.document && life.record(seen.document, found, seen.readTime);
      return next !== undefined && documents.writeIfUnchanged(digest, seen, next);
    },

    /**
     * Forgets a blob whose object was found to be missing or broken after its document was `seen`. False where that has
     * changed.
     */
    forget: documents.deleteIfUnchanged,
  };
}
