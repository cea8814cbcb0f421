import { Storage } from '@google-cloud/storage';
import { digestHex, digestOf, type Digest } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { BUCKET, PROJECT, type Cloud } from '#test/cloud.ts';

/** Has a blob in the bucket, and its fact in the database. */
export async function storeBlob(cloud: Cloud, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes);
  const file = new Storage({ projectId: PROJECT }).bucket(BUCKET).file(`blobs/sha256/${digestHex(digest)}`);
  await file.save(bytes, { resumable: false });
  await openBlobs(cloud.firestore).record(digest, {
    size: bytes.length,
    crc32c: 'AAAAAA==',
    generation: '1',
  });
  return digest;
}
