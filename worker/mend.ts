// What is to be done about blobs for which an image could not be published: a look at those that nobody saw lately, and an end
// to what is said of those that are gone, so that they are stored again.
import pLimit from 'p-limit';
import type { Digest } from '#core/digest.ts';
import type { Layers } from '#core/google/layers.ts';
import type { Refusal } from '#core/google/references.ts';
import type { BlobStore } from './blob-store.ts';

export interface MendParts {
  readonly blobStore: Pick<BlobStore, 'check'>;
  readonly layers: Pick<Layers, 'forget'>;
}

/** Looks at a time: each is a round trip to Cloud Storage and one to Firestore. */
const CHECKED_AT_ONCE = 16;

/** Answers which blobs are to be stored again: of the layers among them nothing is known any more. */
export type Mend = (refusal: Refusal) => Promise<readonly Digest[]>;

export function createMend({ blobStore, layers }: MendParts): Mend {
  const limit = pLimit(CHECKED_AT_ONCE);
  return async ({ missing, unseen }) => {
    const looks = await limit.map(unseen, async ({ digest, seen }) => ({
      digest,
      found: await blobStore.check(digest, seen),
    }));
    const lost = looks.filter(({ found }) => found === 'lost').map(({ digest }) => digest);
    const gone = [...missing, ...lost];
    await limit.map(gone, digest => layers.forget(digest));
    return gone;
  };
}
