// `images/{requestKey}`: every transition of an image's life, each a conditional write or a transaction.
import {
  FieldValue,
  type DocumentReference,
  type DocumentSnapshot,
  type Firestore,
  type Timestamp,
  type Transaction,
} from '@google-cloud/firestore';
import type { PermanentError, TransientError } from '../errors.ts';
import { LOG_LIMIT, type Failure } from '../failure.ts';
import { imageDocumentSchema, type ImageDocument, type Phase, type Priority } from '../image-document.ts';
import { ATTEMPT_LIMIT, holdsLease, isClaimable } from '../image-life.ts';
import { requestKeySchema, type ImageRequest, type RequestKey } from '../image-request.ts';
import { isAlreadyExists, isLostRace, toPlain } from './firestore.ts';
import type { Manifest } from './manifests.ts';

/** A document as it was at one moment of the server's clock. */
export interface Seen {
  /** Undefined where there is none yet. */
  readonly document: ImageDocument | undefined;
  /** The server's time of this state, in milliseconds since the epoch. */
  readonly readTime: number;
  readonly version: Timestamp | undefined;
}

export type ClaimResult =
  | { readonly kind: 'claimed'; readonly document: ImageDocument }
  /** Another worker has it, it is done, or there is no such document: the hint has nothing more to say. */
  | { readonly kind: 'nothing-to-do' };

export interface Published {
  readonly manifest: Manifest;
  readonly revision: string;
}

/** Thrown where a worker writes after its lease was taken: its work no longer counts. */
export class LeaseLostError extends Error {
  constructor() {
    super('the lease was lost: another worker has this build');
    this.name = 'LeaseLostError';
  }
}

export type Images = ReturnType<typeof openImages>;

export function openImages(firestore: Firestore) {
  const collection = firestore.collection('images');

  /** Runs a write of the worker that holds the lease `token`; anyone else's is refused. */
  function asHolder(
    key: RequestKey,
    token: string,
    write: (transaction: Transaction, reference: DocumentReference, document: ImageDocument) => void,
  ): Promise<void> {
    return firestore.runTransaction(async transaction => {
      const reference = collection.doc(key);
      const { document } = toSeen(await transaction.get(reference));
      if (document === undefined || !holdsLease(document.build, token)) throw new LeaseLostError();
      write(transaction, reference, document);
    });
  }

  return {
    async read(key: RequestKey): Promise<Seen> {
      return toSeen(await collection.doc(key).get());
    },

    /**
     * Calls `onChange` with the present state and every later one until the returned function is called, or `onError`
     * once where that cannot go on: the connection broke for good, or the document is not one that this code knows.
     */
    watch(key: RequestKey, onChange: (seen: Seen) => void, onError: (error: Error) => void): () => void {
      const stop = collection.doc(key).onSnapshot(snapshot => {
        let seen: Seen;
        try {
          seen = toSeen(snapshot);
        } catch (error) {
          // Firestore's client would keep what its listener throws to itself, and the caller would wait for nothing.
          stop();
          onError(toError(error));
          return;
        }
        onChange(seen);
      }, onError);
      return stop;
    },

    /**
     * Queues a build where `seen` has none. Answers whether it was this call that did: of many at once, one does, and
     * the others find that there is nothing to do. Costs one write, no transaction.
     */
    async queue(key: RequestKey, request: ImageRequest, by: Priority, seen: Seen): Promise<boolean> {
      const build = { state: 'queued', by, queuedAt: FieldValue.serverTimestamp(), attempts: 0 };
      try {
        if (seen.version === undefined) await collection.doc(key).create({ request, build });
        else await collection.doc(key).update({ build }, { lastUpdateTime: seen.version });
        return true;
      } catch (error) {
        if (isAlreadyExists(error) || isLostRace(error)) return false;
        throw error;
      }
    },

    /** Takes a build that is queued or whose lease is over. The last of too many attempts becomes a failure instead. */
    claim(key: RequestKey, token: string, durationSeconds: number): Promise<ClaimResult> {
      return firestore.runTransaction(async (transaction): Promise<ClaimResult> => {
        const reference = collection.doc(key);
        const { document, readTime } = toSeen(await transaction.get(reference));
        if (document === undefined || !isClaimable(document.build, readTime))
          return { kind: 'nothing-to-do' };
        const { build } = document;
        if (build.state !== 'queued' && build.state !== 'building') return { kind: 'nothing-to-do' };
        if (build.attempts >= ATTEMPT_LIMIT) {
          transaction.update(reference, { build: failed(gaveUp(build.attempts, build.lastError)) });
          return { kind: 'nothing-to-do' };
        }
        transaction.update(reference, {
          build: {
            state: 'building',
            by: build.by,
            lease: { token, renewedAt: FieldValue.serverTimestamp(), durationSeconds },
            phase: { name: 'resolving' } satisfies Phase,
            attempts: build.attempts + 1,
            lastError: build.lastError,
          },
        });
        return { kind: 'claimed', document };
      });
    },

    /** Says that the worker is alive and what it does. Throws {@link LeaseLostError}. */
    renew(key: RequestKey, token: string, phase: Phase): Promise<void> {
      return asHolder(key, token, (transaction, reference) => {
        transaction.update(reference, {
          'build.lease.renewedAt': FieldValue.serverTimestamp(),
          'build.phase': phase,
        });
      });
    },

    /** Gives a build back to the queue, with what went wrong where something did. Throws {@link LeaseLostError}. */
    release(key: RequestKey, token: string, error: TransientError | undefined): Promise<void> {
      return asHolder(key, token, (transaction, reference, { build }) => {
        if (build.state !== 'building') return;
        transaction.update(reference, {
          build: {
            state: 'queued',
            by: build.by,
            queuedAt: FieldValue.serverTimestamp(),
            // A worker that stops on purpose has not failed: that try does not count.
            attempts: error === undefined ? build.attempts - 1 : build.attempts,
            lastError: error?.message ?? build.lastError,
          },
        });
      });
    },

    /** Makes an image current, in one step with its manifest: a reader never sees a digest without its bytes. */
    publish(key: RequestKey, token: string, { manifest, revision }: Published): Promise<void> {
      return asHolder(key, token, (transaction, reference) => {
        const { digest, mediaType, bytes } = manifest;
        transaction.set(firestore.collection('manifests').doc(digest), { mediaType, bytes });
        transaction.update(reference, {
          current: { digest, revision, builtAt: FieldValue.serverTimestamp() },
          build: { state: 'none' },
        });
      });
    },

    /** Ends a build with the reason why it cannot be. Throws {@link LeaseLostError}. */
    fail(key: RequestKey, token: string, { failure }: PermanentError): Promise<void> {
      return asHolder(key, token, (transaction, reference) => {
        transaction.update(reference, { build: failed(failure) });
      });
    },

    /** Builds that nobody has finished, at most `limit`: what the janitor looks through. */
    async unfinished(limit: number): Promise<{ key: RequestKey; seen: Seen }[]> {
      const found = await collection.where('build.state', 'in', ['queued', 'building']).limit(limit).get();
      return found.docs.map(snapshot => ({
        key: requestKeySchema.parse(snapshot.id),
        seen: toSeen(snapshot),
      }));
    },
  };
}

function toSeen(snapshot: DocumentSnapshot): Seen {
  const data = snapshot.data();
  return {
    document: data === undefined ? undefined : imageDocumentSchema.parse(toPlain(data)),
    readTime: snapshot.readTime.toMillis(),
    version: snapshot.updateTime,
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function failed(failure: Failure): object {
  return {
    state: 'failed',
    failure: { ...failure, log: failure.log?.slice(-LOG_LIMIT) },
    failedAt: FieldValue.serverTimestamp(),
  };
}

function gaveUp(attempts: number, lastError: string | undefined): Failure {
  const why = lastError ?? 'every worker that took it vanished';
  return { kind: 'gave_up', message: `gave up after ${attempts} attempts: ${why}` };
}
