// Where clients are sent for the bytes of a blob.
import { LRUCache } from 'lru-cache';
import { digestHex, type Digest } from '#core/digest.ts';
import type { UrlSigner } from '#core/google/url-signer.ts';

/** The address of a blob's object, for GET. */
export type BlobAddress = (digest: Digest) => Promise<string>;

/** Addresses of some 800 characters that an instance keeps. */
const CACHE_SIZE = 10_000;

/** Addresses in a bucket that everyone may read. Objects are at `<baseUrl>/sha256/<hex>`. */
export function publicAddresses(baseUrl: string): BlobAddress {
  return async digest => `${baseUrl}/sha256/${digestHex(digest)}`;
}

/**
 * Signed addresses in a bucket that only this registry reads, each of which works for so many seconds. It is made once for all who
 * ask at the same time, and kept for half of that: whoever gets it late still has the other half. `now`: milliseconds since the epoch.
 */
export function signedAddresses(
  baseUrl: string,
  sign: UrlSigner,
  seconds: number,
  now: () => number = Date.now,
): BlobAddress {
  const plain = publicAddresses(baseUrl);
  const cache = new LRUCache<Digest, string>({
    max: CACHE_SIZE,
    ttl: (seconds / 2) * 1000,
    perf: { now },
    ttlResolution: 0,
    fetchMethod: async digest => sign(await plain(digest), seconds),
  });
  return digest => cache.forceFetch(digest);
}
