// `GET|HEAD /v2/<name>/blobs/<digest>`. The bytes never pass through here: GET is sent on to Cloud Storage.
import { digestHex, type Digest } from '#core/digest.ts';
import { RegistryError } from '#core/errors.ts';
import type { Blobs } from '#core/google/blobs.ts';
import type { Answer } from './answer.ts';

export interface BlobParts {
  readonly blobs: Blobs;
  /** Blobs are at `<baseUrl>/sha256/<hex>`. */
  readonly baseUrl: string;
}

/**
 * HEAD is answered from what is known of the blob; GET is a 307 to its object, which answers Range requests too.
 * What is not known is 404, without asking the bucket.
 */
export async function blob({ blobs, baseUrl }: BlobParts, digest: Digest, method: string): Promise<Answer> {
  const known = await blobs.read(digest);
  if (known === undefined) throw new RegistryError(404, 'BLOB_UNKNOWN', `there is no blob ${digest}`);
  const headers = { 'docker-content-digest': digest, 'cache-control': 'no-transform' };
  if (method === 'HEAD') {
    return {
      status: 200,
      headers: { ...headers, 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' },
      length: known.size,
    };
  }
  return { status: 307, headers: { ...headers, location: `${baseUrl}/sha256/${digestHex(digest)}` } };
}
