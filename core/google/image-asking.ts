// What those write to an image's document who want it: registries, prebuilds and indexes. None of it needs a lease.
import { isDeepStrictEqual } from 'node:util';
import type { Digest } from '../digest.ts';
import type { ImageDocument, Priority } from '../image-document.ts';
import * as life from '../image-life.ts';
import type { ImageRequest, RequestKey } from '../image-request.ts';
import type { SettingsDigest } from '../image-settings.ts';
import * as indexLife from '../index-life.ts';
import { usedOnceMore } from '../recent-uses.ts';
import { writingIfUnchanged, type Write } from './documents.ts';
import { toStored } from './firestore.ts';
import type { ImageCollection, SeenImage } from './image-collection.ts';
import { noteUse } from './last-use.ts';

/** Makes a write together with what it costs, or neither. Answers which. */
export type Pay = (write: Write) => Promise<boolean>;

/** What wants to know of an image, and has it made. */
export function imageAsking({ firestore, collection, documents }: ImageCollection) {
  /**
   * A change of what was `seen`, if it is so still: one write, no transaction. A use noted meanwhile is no change. `pay` is handed the
   * write in its stead, makes it in one step with something of its own, and answers whether it was made.
   */
  async function writeOnSeen(
    key: RequestKey,
    seen: SeenImage,
    transition: (document: ImageDocument | undefined, now: number) => ImageDocument | undefined,
    pay?: Pay,
  ): Promise<boolean> {
    const next = transition(seen.document, seen.readTime);
    if (next === undefined) return false;
    const isWritten =
      pay === undefined
        ? documents.writeIfUnchanged(key, seen, next)
        : pay(writingIfUnchanged(collection.doc(key), seen, next));
    if (await isWritten) return true;
    if (seen.document === undefined) return false;
    const again = await documents.read(key);
    return isUseAlone(seen.document, again.document) && writeOnSeen(key, again, transition, pay);
  }

  return {
    /**
     * Queues a build, if none was when the document was `seen`. Answers whether it was this call that did: of many at
     * once one does, and the others find that there is nothing to do. One write, no transaction.
     */
    async queue(
      key: RequestKey,
      request: ImageRequest,
      asked: { readonly by: Priority; readonly settings: SettingsDigest },
      seen: SeenImage,
    ): Promise<boolean> {
      return writeOnSeen(key, seen, (document, now) => life.queue(document, { request, ...asked }, now));
    },

    /** As `queue`, in the one step in which `pay` writes what it costs. */
    async queuePaid(
      key: RequestKey,
      request: ImageRequest,
      asked: { readonly by: Priority; readonly settings: SettingsDigest },
      seen: SeenImage,
      pay: Pay,
    ): Promise<boolean> {
      return writeOnSeen(key, seen, (document, now) => life.queue(document, { request, ...asked }, now), pay);
    },

    /** Notes that an image was pulled (last-use.ts). Answers for how long nothing more is to be noted. Milliseconds. */
    async noteUse(
      key: RequestKey,
      { document, version, readTime }: SeenImage,
      everyMs: number,
    ): Promise<number> {
      if (document === undefined || version === undefined) return 0;
      const { usedAt } = document;
      const { recentUses } = usedOnceMore(document, readTime);
      return noteUse(collection.doc(key), { usedAt, readTime, version }, everyMs, { recentUses });
    },

    /**
     * Where what is served is a manifest that is not stored any more, has it made again. Both documents are read in one step, past
     * all that anyone remembers. Answers whether it was so.
     */
    async loseIfMissing(key: RequestKey, digest: Digest): Promise<boolean> {
      return firestore.runTransaction(async transaction => {
        const reference = collection.doc(key);
        const manifest = firestore.collection('manifests').doc(digest);
        const [image, stored] = await transaction.getAll(reference, manifest);
        if (image === undefined || stored?.exists !== false) return false;
        const { document, readTime } = documents.parse(image);
        const next = life.lose(document, digest, readTime);
        if (next !== undefined) transaction.set(reference, toStored(next));
        return next !== undefined;
      });
    },

    /** Someone waits for a build that nobody waited for. Answers whether it was this call that said so. */
    async raise(key: RequestKey, seen: SeenImage): Promise<boolean> {
      return writeOnSeen(key, seen, life.raise);
    },

    /** Asks for an image of an index: how it stands, and whether a worker has to be told (index-life.ts). */
    askForIndex(key: RequestKey, asking: indexLife.AskingIndex): Promise<indexLife.Standing> {
      return documents.change(key, (document, now) => {
        const { next, standing } = indexLife.askForIndex(document, asking, now);
        return { next, result: standing };
      });
    },
  };
}

/** Whether nothing has changed between two states but when the image was pulled last, and how often. */
function isUseAlone(before: ImageDocument, after: ImageDocument | undefined): boolean {
  const unused = { usedAt: undefined, recentUses: undefined };
  return (
    after !== undefined &&
    after.usedAt !== before.usedAt &&
    isDeepStrictEqual({ ...after, ...unused }, { ...before, ...unused })
  );
}
