// Blobs into the bucket, and what is known of them: the object first, then the document that tells of it. Others do the same,
// and the janitor takes away what nothing names, at any moment in between (core/blob-life.ts).
import { isCondemned, isSame, isServed, refer } from '#core/blob-life.ts';
import type { Digest } from '#core/digest.ts';
import { TransientError } from '#core/errors.ts';
import type { Blobs, SeenBlob } from '#core/google/blobs.ts';
import type { BlobBucket, BlobContent } from '#core/google/bucket.ts';

export interface BlobStoreParts {
  readonly bucket: Pick<BlobBucket, 'put' | 'replace' | 'look'>;
  readonly blobs: Pick<Blobs, 'see' | 'record' | 'recordFound' | 'adopt' | 'forget'>;
}

/** Times that a blob is tried to be stored while others store and delete the same one. */
const ROUNDS = 10;

/**
 * An object that no document tells of may be taken away, though not at once: what is recorded within this time of its writing
 * is there. Shorter than the time that the janitor takes from finding such an object to its deletion. Milliseconds.
 */
const PROMPT_MS = 5_000;

export type BlobStore = ReturnType<typeof createBlobStore>;

export function createBlobStore({ bucket, blobs }: BlobStoreParts) {
  return {
    /** Stores a blob: after that it is in the bucket, whole, and its document says so. Throws what the bucket throws. */
    async store(content: BlobContent, signal: AbortSignal): Promise<void> {
      const { digest } = content;
      for (let round = 0; round < ROUNDS; round += 1) {
        const { isNew, ...written } = await bucket.put(content, signal);
        if (isNew && (await blobs.record(digest, written, PROMPT_MS))) return;

        // What was there already may be about to go. The document is read before the object: see `record` of its life.
        const seen = await blobs.see(digest);
        if (isBelieved(seen)) return;
        const found = await bucket.look(digest);
        if (found === undefined || !isSame(found, content)) continue;
        if (seen.document === undefined) {
          await blobs.adopt(digest, found);
          continue;
        }
        const standing = isCondemned(seen.document, found)
          ? await bucket.replace(content, found.generation, signal)
          : found;
        if (standing !== undefined && (await blobs.recordFound(digest, standing, seen))) return;
      }
      throw new TransientError(`blob ${digest} is written and deleted by others all the time`);
    },

    /**
     * Looks whether the object of a blob is in the bucket, whole, and notes it. What is not is forgotten: from then on it is
     * not served, and no manifest can name it before it is stored again. `seen`: its document, of any time.
     */
    async check(digest: Digest, seen: SeenBlob): Promise<'whole' | 'lost'> {
      let latest = seen;
      for (let round = 0; round < ROUNDS; round += 1) {
        const { document } = latest;
        if (!isServed(document)) return 'lost';
        const found = await bucket.look(digest);
        if (found !== undefined && isSame(found, document)) {
          if (await blobs.recordFound(digest, found, latest)) return 'whole';
        } else if (await blobs.forget(digest, latest)) {
          return 'lost';
        }
        latest = await blobs.see(digest);
        if (isBelieved(latest)) return 'whole';
      }
      throw new TransientError(`blob ${digest} is written and deleted by others all the time`);
    },
  };
}

/** Whether somebody saw the object so lately that a manifest may name the blob as it is. */
function isBelieved({ document, readTime }: SeenBlob): boolean {
  const reference = refer(document, readTime);
  return reference.kind === 'there' && reference.next === undefined;
}
