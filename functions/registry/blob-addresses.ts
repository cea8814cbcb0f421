// Where clients are sent for the bytes of a blob.
import { LRUCache } from 'lru-cache';
import { digestHex, type Digest } from '#core/digest.ts';
import type { UrlSigner } from '#core/google/url-signer.ts';

/** The address of a blob's object, for GET. */
export type BlobAddress = (digest: Digest) => Promise<string>;

/** For how long a signed address works. Whoever gets it late still has half of it. */
const SIGNED_SECONDS = 3600;

/** Addresses of some 800 characters that an instance keeps. */
const CACHE_SIZE = 10_000;

/** Addresses in a bucket that everyone may read. Objects are at `<baseUrl>/sha256/<hex>`. */
export function publicAddresses(baseUrl: string): BlobAddress {
  return async digest => `${baseUrl}/sha256/${digestHex(digest)}`;
}

/**
 * Signed addresses in a bucket that only this registry reads. Each is made once for all who ask at the same time, and kept for
 * half the time that it works. `now`: milliseconds since the epoch.
 */
export function signedAddresses(baseUrl: string, sign: UrlSigner, now: () => number = Date.now): BlobAddress {
  const plain = publicAddresses(baseUrl);
  const cache = new LRUCache<Digest, string>({
    max: CACHE_SIZE,
    ttl: (SIGNED_SECONDS / 2) * 1000,
    perf: { now },
    ttlResolution: 0,
    fetchMethod: async digest => sign(await plain(digest), SIGNED_SECONDS),
  });
  return digest => cache.forceFetch(digest);
}
