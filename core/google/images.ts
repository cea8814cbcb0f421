// `images/{requestKey}`: an image's life (core/image-life.ts) in Firestore. Every change is a transaction or a
// preconditioned write; used by registry, worker, prebuild and janitor alike.
import { isDeepStrictEqual } from 'node:util';
import type { CollectionReference, Firestore, Transaction } from '@google-cloud/firestore';
import type { Digest } from '../digest.ts';
import type { Failure } from '../failure.ts';
import { imageDocumentSchema, type ImageDocument, type Phase, type Priority } from '../image-document.ts';
import * as life from '../image-life.ts';
import type { ImageRequest, RequestKey } from '../image-request.ts';
import * as indexLife from '../index-life.ts';
import type { SettingsDigest } from '../image-settings.ts';
import { usedOnceMore } from '../recent-uses.ts';
import { storeBuildLog, type BuildLog } from './build-logs.ts';
import { openDocuments, writingIfUnchanged, type Documents, type Seen, type Write } from './documents.ts';
import { toStored } from './firestore.ts';
import { foundImage, type FoundImage } from './found-image.ts';
import { noteUse } from './last-use.ts';
import { storeManifest, type Manifest } from './manifests.ts';
import { referencesOf, type Refusal } from './references.ts';

export type SeenImage = Seen<ImageDocument>;

/** Makes a write together with what it costs, or neither. Answers which. */
export type Pay = (write: Write) => Promise<boolean>;

export interface Published {
  readonly manifest: Manifest;
  readonly revision: string;
  /** When the source was seen at that revision, by the server's clock. */
  readonly checkedAt: number;
}

/** What came of it: the indexes that waited for the image, or why it was not published. */
export type Publication = { readonly kind: 'published'; readonly waiting: readonly RequestKey[] } | Refusal;

/** Who claims: the token of the lease-to-be, for how long, and the settings it builds under. */
export interface Claimant {
  readonly token: string;
  readonly durationSeconds: number;
  readonly settings: SettingsDigest;
}

/** Thrown where a worker writes after its lease was taken: its work no longer counts. */
export class LeaseLostError extends Error {
  constructor() {
    super('the lease was lost: another worker has this build');
    this.name = 'LeaseLostError';
  }
}

export type Images = ReturnType<typeof openImages>;

/** `documents`: where they are kept instead, for tests that lead a life through all that may happen to it. */
export function openImages(firestore: Firestore, documents?: Documents<RequestKey, ImageDocument>) {
  const collection = firestore.collection('images');
  return imagesIn(firestore, collection, documents ?? openDocuments(collection, imageDocumentSchema));
}

function imagesIn(
  firestore: Firestore,
  collection: CollectionReference,
  documents: Documents<RequestKey, ImageDocument>,
) {
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

  /**
   * A write of the worker that holds the lease; where the life says no, the lease is another's by now. Answers the indexes
   * that waited for the build, if this was its end.
   */
  async function asHolder(
    key: RequestKey,
    transition: (document: ImageDocument | undefined, now: number) => ImageDocument | undefined,
    beside?: (now: number) => ((transaction: Transaction) => void) | undefined,
  ): Promise<readonly RequestKey[]> {
    const waiting = await documents.change(key, (document, now) => {
      const next = transition(document, now);
      const alongside = beside?.(now);
      const result = next && wokenBy(document, next);
      return { next, result, ...(alongside && { alongside }) };
    });
    if (waiting === undefined) throw new LeaseLostError();
    return waiting;
  }

  return {
    read: documents.read,
    readAll: documents.readAll,
    parse: documents.parse,
    watch: documents.watch,

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

    /**
     * Takes a build that is queued or whose lease is over, or an index that waits. The last of too many attempts becomes a
     * failure instead.
     */
    claim(key: RequestKey, claimant: Claimant): Promise<life.Claim> {
      return documents.change(key, (document, now) => {
        const result = life.claim(document, claimant, now);
        return { next: 'document' in result ? result.document : undefined, result };
      });
    },

    /** Says that the worker is alive and what it does. Throws {@link LeaseLostError}, as all that follow. */
    async renew(key: RequestKey, token: string, phase: Phase): Promise<void> {
      await asHolder(key, (document, now) => life.renew(document, token, phase, now));
    },

    /** Gives a build back to the queue, with what went wrong where something did. */
    async release(key: RequestKey, token: string, error: string | undefined): Promise<void> {
      await asHolder(key, (document, now) => life.release(document, token, error, now));
    },

    /**
     * Makes an image current, in one step with its manifest and with all that this names: a reader never sees a digest without
     * its bytes, and nothing that is named is taken away. Where some of it is not there, nothing is written.
     */
    async publish(
      key: RequestKey,
      token: string,
      { manifest, revision, checkedAt }: Published,
    ): Promise<Publication> {
      const { digest } = manifest;
      const references = referencesOf(firestore, manifest);
      const publication = await documents.changeAmid<Publication | undefined>(
        key,
        references.documents,
        (document, snapshots, now) => {
          const next = life.publish(document, token, { digest, revision, checkedAt }, now);
          if (next === undefined) return { next, result: undefined };
          const named = references.judge(snapshots, now);
          if (named.kind === 'refused') return { next: undefined, result: named };
          const alongside: Write = transaction => {
            named.note(transaction);
            storeManifest(firestore, manifest)(transaction);
          };
          return { next, result: { kind: 'published', waiting: wokenBy(document, next) }, alongside };
        },
      );
      if (publication === undefined) throw new LeaseLostError();
      return publication;
    },

    /**
     * Ends a build whose image is still what would be made. Answers the indexes that waited for it, as `fail` does; undefined
     * where that image was lost meanwhile, or its manifest is not stored: then it is to be made after all.
     */
    async keep(key: RequestKey, token: string, digest: Digest): Promise<readonly RequestKey[] | undefined> {
      const manifest = firestore.collection('manifests').doc(digest);
      const kept = await documents.changeAmid<{ readonly waiting?: readonly RequestKey[] } | undefined>(
        key,
        [manifest],
        (document, [stored]) => {
          if (life.heldImage(document, token) === undefined) return { next: undefined, result: undefined };
          const isThere = document?.current?.digest === digest && stored?.exists === true;
          const next = isThere ? life.keep(document, token) : undefined;
          return { next, result: next === undefined ? {} : { waiting: wokenBy(document, next) } };
        },
      );
      if (kept === undefined) throw new LeaseLostError();
      return kept.waiting;
    },

    /** Ends a build with the reason why it cannot be, at the revision where that was seen. `buildLog`: what `logId` names. */
    fail(
      key: RequestKey,
      token: string,
      failure: Failure,
      revision: string | undefined,
      buildLog?: BuildLog,
    ): Promise<readonly RequestKey[]> {
      return asHolder(
        key,
        (document, now) => life.fail(document, token, { failure, revision }, now),
        now => buildLog && storeBuildLog(firestore, buildLog, now),
      );
    },

    /** Asks for an image of an index: how it stands, and whether a worker has to be told (index-life.ts). */
    askForIndex(key: RequestKey, asking: indexLife.AskingIndex): Promise<indexLife.Standing> {
      return documents.change(key, (document, now) => {
        const { next, standing } = indexLife.askForIndex(document, asking, now);
        return { next, result: standing };
      });
    },

    /**
     * Leaves an index to the builds of its images, or, where none of them is under way any more, back in the queue: answers
     * whether it waits. `asked` says what had to be asked for.
     */
    async park(
      key: RequestKey,
      token: string,
      images: readonly RequestKey[],
      asked: string | undefined,
    ): Promise<boolean> {
      const state = await documents.changeBeside(key, images, (document, beside, now) => {
        const next = indexLife.park(document, token, key, beside, asked, now);
        return { next, result: next?.build.state };
      });
      if (state === undefined) throw new LeaseLostError();
      return state === 'waiting';
    },

    /** Where a build's document is, to be read together with its source's. */
    reference: (key: RequestKey) => collection.doc(key),

    /** Builds that nobody has finished, those of each state from the oldest on: what the janitor looks through. */
    async *unfinished(): AsyncGenerator<FoundImage> {
      // A field that documents of one state have and no others: a query by it needs no index of its own.
      for (const moment of ['build.queuedAt', 'build.lease.renewedAt', 'build.parkedAt']) {
        const query = collection.orderBy(moment).limit(PAGE);
        for (let page = await query.get(); !page.empty;) {
          for (const snapshot of page.docs) yield foundImage(snapshot, documents.parse);
          const last = page.docs.at(-1);
          if (page.size < PAGE || last === undefined) break;
          page = await query.startAfter(last).get();
        }
      }
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

/** Documents that are read at a time where all are looked through. */
const PAGE = 200;

/** The indexes that wait no longer for a build, now that it is as it is. */
function wokenBy(document: ImageDocument | undefined, { build }: ImageDocument): readonly RequestKey[] {
  return build.state === 'none' || build.state === 'failed' ? (document?.indexes ?? []) : [];
}
