// `images/{requestKey}`: an image's life (core/image-life.ts) in Firestore. Every change is a transaction or a
// preconditioned write; used by registry, worker, prebuild and janitor alike.
import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import type { Failure } from '../failure.ts';
import { imageDocumentSchema, type ImageDocument, type Phase, type Priority } from '../image-document.ts';
import * as life from '../image-life.ts';
import { requestKeySchema, type ImageRequest, type RequestKey } from '../image-request.ts';
import type { SettingsDigest } from '../image-settings.ts';
import { openDocuments, type Documents, type Seen } from './documents.ts';
import { storeManifest, type Manifest } from './manifests.ts';

export type SeenImage = Seen<ImageDocument>;

export interface Published {
  readonly manifest: Manifest;
  readonly revision: string;
  /** When the source was seen at that revision, by the server's clock. */
  readonly checkedAt: number;
}

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
  /** A write of the worker that holds the lease; where the life says no, the lease is another's by now. */
  async function asHolder(
    key: RequestKey,
    transition: (document: ImageDocument | undefined, now: number) => ImageDocument | undefined,
    manifest?: Manifest,
  ): Promise<void> {
    const written = await documents.change(key, (document, now) => {
      const next = transition(document, now);
      const alongside = manifest && storeManifest(firestore, manifest);
      return { next, result: next !== undefined, ...(alongside && { alongside }) };
    });
    if (!written) throw new LeaseLostError();
  }

  return {
    read: documents.read,
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
      const next = life.queue(seen.document, request, asked, seen.readTime);
      return next !== undefined && documents.writeIfUnchanged(key, seen, next);
    },

    /** Someone waits for a build that nobody waited for. Answers whether it was this call that said so. */
    async raise(key: RequestKey, seen: SeenImage): Promise<boolean> {
      const next = life.raise(seen.document);
      return next !== undefined && documents.writeIfUnchanged(key, seen, next);
    },

    /** Takes a build that is queued or whose lease is over. The last of too many attempts becomes a failure instead. */
    claim(key: RequestKey, claimant: Claimant): Promise<life.Claim> {
      return documents.change(key, (document, now) => {
        const result = life.claim(document, claimant, now);
        return { next: 'document' in result ? result.document : undefined, result };
      });
    },

    /** Says that the worker is alive and what it does. Throws {@link LeaseLostError}, as all that follow. */
    renew(key: RequestKey, token: string, phase: Phase): Promise<void> {
      return asHolder(key, (document, now) => life.renew(document, token, phase, now));
    },

    /** Gives a build back to the queue, with what went wrong where something did. */
    release(key: RequestKey, token: string, error: string | undefined): Promise<void> {
      return asHolder(key, (document, now) => life.release(document, token, error, now));
    },

    /** Makes an image current, in one step with its manifest: a reader never sees a digest without its bytes. */
    publish(key: RequestKey, token: string, { manifest, revision, checkedAt }: Published): Promise<void> {
      const { digest } = manifest;
      return asHolder(
        key,
        (document, now) => life.publish(document, token, { digest, revision, checkedAt }, now),
        manifest,
      );
    },

    /** Ends a build whose image is still what would be made. */
    keep(key: RequestKey, token: string): Promise<void> {
      return asHolder(key, document => life.keep(document, token));
    },

    /** Ends a build with the reason why it cannot be, at the revision where that was seen. */
    fail(key: RequestKey, token: string, failure: Failure, revision: string | undefined): Promise<void> {
      return asHolder(key, (document, now) => life.fail(document, token, { failure, revision }, now));
    },

    /** Where a build's document is, to be read together with its source's. */
    reference: (key: RequestKey) => collection.doc(key),

    /** Builds that nobody has finished, at most `limit`: what the janitor looks through. */
    async unfinished(limit: number): Promise<{ key: RequestKey; seen: SeenImage }[]> {
      const found = await collection.where('build.state', 'in', ['queued', 'building']).limit(limit).get();
      return found.docs.map(snapshot => ({
        key: requestKeySchema.parse(snapshot.id),
        seen: documents.parse(snapshot),
      }));
    },
  };
}
