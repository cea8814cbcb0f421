// `blobs/{digest}`: what lies in the bucket, by its life (core/blob-life.ts). Answers HEAD and 404 without asking Cloud Storage.
import type { Firestore } from '@google-cloud/firestore';
import * as life from '../blob-life.ts';
import { blobDocumentSchema, isServed, type BlobDocument, type StoredBlob } from '../blob-life.ts';
import type { Digest } from '../digest.ts';
import { openDocuments, type Documents, type Seen } from './documents.ts';

export type SeenBlob = Seen<BlobDocument>;

export type Blobs = ReturnType<typeof openBlobs>;

/** `documents`: where they are kept instead, for tests that lead blobs through all that may happen to them. */
export function openBlobs(firestore: Firestore, documents?: Documents<Digest, BlobDocument>) {
  const collection = firestore.collection('blobs');
  return blobsIn(documents ?? openDocuments(collection, blobDocumentSchema));
}

function blobsIn(documents: Documents<Digest, BlobDocument>) {
  return {
    /** The document as it is, to be changed if it stays so. */
    see: documents.read,

    parse: documents.parse,

    /** Undefined where nothing of this digest is stored, or where it is being deleted. */
    async read(digest: Digest): Promise<StoredBlob | undefined> {
      const { document } = await documents.read(digest);
      if (!isServed(document)) return undefined;
      const { size, crc32c, generation } = document;
      return { size, crc32c, generation };
    },

    /**
     * Notes that the object was written into the bucket, whole, just now. Only after the upload: a fact comes after what it
     * says. False where this very object is condemned.
     */
    record(digest: Digest, written: StoredBlob): Promise<boolean> {
      return documents.change(digest, (document, now) => {
        const next = life.record(document, written, now);
        return { next, result: next !== undefined };
      });
    },

    /**
     * Notes that the object was found in the bucket, whole, after its document was `seen`. False where that has changed, or
     * condemns this very object.
     */
    async recordFound(digest: Digest, found: StoredBlob, seen: SeenBlob): Promise<boolean> {
      const next = life.record(seen.document, found, seen.readTime);
      return next !== undefined && documents.writeIfUnchanged(digest, seen, next);
    },
  };
}
