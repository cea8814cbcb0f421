// Noting that images and manifests are pulled: beside the answers, which never wait for it.
import { LRUCache } from 'lru-cache';
import type { Digest } from '#core/digest.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { Log } from '#core/google/log.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import type { Images } from '#core/google/images.ts';
import type { Manifests } from '#core/google/manifests.ts';

export interface LastUsesParts {
  readonly images: Pick<Images, 'noteUse'>;
  readonly manifests: Pick<Manifests, 'noteUse'>;
  readonly log: Log;
  /** How often the use of one document is noted: Firestore takes about one write a second to one. Milliseconds. */
  readonly notedEveryMs: number;
  /** Milliseconds, of any beginning. */
  readonly now?: () => number;
}

export interface LastUses {
  /** An image was answered by what was `seen` of it just now. */
  readonly image: (key: RequestKey, seen: SeenImage) => void;
  /** A manifest was answered by its digest. */
  readonly manifest: (digest: Digest) => void;
}

/** Documents whose use this instance remembers to have noted. */
const REMEMBERED = 10_000;

/** Each document is written to once in that time at most: by what it says, and by what this instance has done. */
export function createLastUses({
  images,
  manifests,
  log,
  notedEveryMs,
  now = () => performance.now(),
}: LastUsesParts): LastUses {
  const noted = new LRUCache<RequestKey | Digest, true>({
    max: REMEMBERED,
    ttl: notedEveryMs,
    perf: { now },
    ttlResolution: 0,
  });

  /** `note` answers for how long nothing more is to be noted. */
  function unlessNoted(id: RequestKey | Digest, note: () => Promise<number>): void {
    if (noted.has(id)) return;
    noted.set(id, true);
    note().then(
      milliseconds => {
        if (milliseconds > 0) noted.set(id, true, { ttl: milliseconds });
        else noted.delete(id);
      },
      (error: unknown) => {
        noted.delete(id);
        log.warn({ error, used: id }, 'the last use was not noted; the next one may be');
      },
    );
  }

  return {
    image: (key, seen) => unlessNoted(key, () => images.noteUse(key, seen, notedEveryMs)),
    manifest: digest => unlessNoted(digest, () => manifests.noteUse(digest, notedEveryMs)),
  };
}
