// `blobs/{digest}`: what lies in the bucket. Answers HEAD and 404 without asking Cloud Storage.
import { FieldValue, type Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import type { Digest } from '../digest.ts';

const blobSchema = z.object({
  /** Bytes. */
  size: z.int().nonnegative(),
  /** Base 64 of the big-endian CRC32C, as Cloud Storage prints it. */
  crc32c: z.string(),
  /** The object's generation: which of the writes under this name it was. */
  generation: z.string(),
});

export type StoredBlob = z.infer<typeof blobSchema>;

export type Blobs = ReturnType<typeof openBlobs>;

export function openBlobs(firestore: Firestore) {
  const collection = firestore.collection('blobs');
  return {
    /** Undefined where nothing of this digest is stored. */
    async read(digest: Digest): Promise<StoredBlob | undefined> {
      const data = (await collection.doc(digest).get()).data();
      return data === undefined ? undefined : blobSchema.parse(data);
    },

    /** Notes that the object is in the bucket, whole. Only after the upload: a fact comes after what it says. */
    async record(digest: Digest, blob: StoredBlob): Promise<void> {
      await collection.doc(digest).set({ ...blob, lastReference: FieldValue.serverTimestamp() });
    },
  };
}
