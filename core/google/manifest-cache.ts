// Manifests that a process has at hand. What is kept under a digest can never be another; but it may have been deleted, and its
// blobs are to follow. So it is gone by for a time only, and then looked at again.
import { LRUCache } from 'lru-cache';
import type { Digest } from '../digest.ts';
import { isSilence, READ_LIMIT_MS, within } from './firestore.ts';

export interface ManifestCacheParts<Manifest> {
  /** Undefined where nothing of this digest is stored. */
  readonly readStored: (digest: Digest) => Promise<Manifest | undefined>;
  /** What is kept, at most. A manifest of a hundred layers has some 20 kB. Bytes. */
  readonly cacheBytes: number;
  /** For how long what was seen in Firestore is answered without another look. Milliseconds. */
  readonly trustedMs: number;
  /** For how long it is the answer while Firestore is silent, from when it was seen. Milliseconds, no less than `trustedMs`. */
  readonly answeredMs: number;
  /** Milliseconds by a clock that never goes back, of any beginning. */
  readonly now: () => number;
}

interface Kept<Manifest> {
  readonly manifest: Manifest;
  readonly trustedUntil: number;
  readonly answeredUntil: number;
}

/** How long Firestore may take where there is another answer. Milliseconds. */
const PATIENCE_MS = 1_000;

/** For how long nobody waits for a Firestore that did not answer. Milliseconds. */
const ASK_AGAIN_MS = 5_000;

/** What an entry takes besides its bytes, about. */
const ENTRY_BYTES = 512;

export function createManifestCache<Manifest extends { readonly bytes: Uint8Array }>({
  readStored,
  cacheBytes,
  trustedMs,
  answeredMs,
  now,
}: ManifestCacheParts<Manifest>) {
  const cache = new LRUCache<Digest, Kept<Manifest>>({
    maxSize: cacheBytes,
    sizeCalculation: ({ manifest: { bytes } }) => bytes.length + ENTRY_BYTES,
  });
  const looks = new Map<Digest, Promise<Manifest | undefined>>();

  function trusted(digest: Digest): Manifest | undefined {
    const kept = cache.get(digest);
    return kept !== undefined && now() < kept.trustedUntil ? kept.manifest : undefined;
  }

  /** `beganAt`: when the look began. What was deleted since then may have been seen. */
  function note(digest: Digest, manifest: Manifest | undefined, beganAt: number): void {
    if (manifest === undefined) cache.delete(digest);
    else
      cache.set(digest, { manifest, trustedUntil: beganAt + trustedMs, answeredUntil: beganAt + answeredMs });
  }

  async function look(digest: Digest): Promise<Manifest | undefined> {
    const beganAt = now();
    const manifest = await readStored(digest);
    note(digest, manifest, beganAt);
    return manifest;
  }

  /** One look for all who ask at the same time; a Firestore that stays silent is not what the next wait for as well. */
  function lookOnce(digest: Digest): Promise<Manifest | undefined> {
    let looking = looks.get(digest);
    if (looking === undefined) {
      looking = within(READ_LIMIT_MS, look(digest)).finally(() => looks.delete(digest));
      looks.set(digest, looking);
    }
    return looking;
  }

  return {
    trusted,
    note,

    /** Where Firestore is silent, what was seen is the answer for a while: until it may be that its blobs are gone. */
    read: async (digest: Digest): Promise<Manifest | undefined> => {
      const known = trusted(digest);
      if (known !== undefined) return known;
      const kept = cache.get(digest);
      if (kept === undefined || now() >= kept.answeredUntil) return lookOnce(digest);
      try {
        return await within(PATIENCE_MS, lookOnce(digest));
      } catch (error) {
        if (!isSilence(error)) throw error;
        if (now() >= kept.answeredUntil) return trusted(digest) ?? lookOnce(digest);
        const trustedUntil = Math.min(now() + ASK_AGAIN_MS, kept.answeredUntil);
        // Unless another look has ended meanwhile, and found that it is gone or still there.
        if (cache.get(digest) === kept) cache.set(digest, { ...kept, trustedUntil });
        return kept.manifest;
      }
    },
  };
}
