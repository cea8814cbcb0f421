// `GET|HEAD /v2/<name>/blobs/<digest>`. The bytes never pass through here: GET is sent on to Cloud Storage.
import type { Digest } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';
import type { Blobs } from '#core/google/blobs.ts';
import type { Answer } from './answer.ts';
import type { BlobAddress } from './blob-addresses.ts';

export interface BlobParts {
  readonly blobs: Blobs;
  readonly blobAddress: BlobAddress;
}

/**
 * HEAD is answered from what is known of the blob; GET is a 307 to its object, which answers Range requests too.
 * What is not known is 404, without asking the bucket.
 */
export async function blob(
  { blobs, blobAddress }: BlobParts,
  digest: Digest,
  method: string,
): Promise<Answer> {
  const known = await blobs.read(digest);
  if (known === undefined) throw new RegistryError(404, 'BLOB_UNKNOWN', `there is no blob ${digest}`);
  const headers = { 'docker-content-digest': digest };
  if (method === 'HEAD') {
    return {
      status: 200,
      // Without an entity tag: the object has one of its own, which clients go by in the middle of it.
      headers: {
        ...headers,
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        'cache-control': 'public, max-age=31536000, immutable, no-transform',
      },
      length: known.size,
    };
  }
  // A signed address works for a while only: whoever keeps an answer must not keep this one.
  return {
    status: 307,
    headers: { ...headers, 'cache-control': 'no-store', location: await blobAddress(digest) },
  };
}
