// What a worker writes to an image's document that holds its lease, from the claim to the end.
import type { Transaction } from '@google-cloud/firestore';
import type { Digest } from '../digest.ts';
import type { Failure } from '../failure.ts';
import type { ImageDocument, Phase } from '../image-document.ts';
import * as life from '../image-life.ts';
import type { RequestKey } from '../image-request.ts';
import type { SettingsDigest } from '../image-settings.ts';
import * as indexLife from '../index-life.ts';
import { storeBuildLog, type BuildLog } from './build-logs.ts';
import type { Write } from './documents.ts';
import type { ImageCollection } from './image-collection.ts';
import { storeManifest, type Manifest } from './manifests.ts';
import { referencesOf, type Refusal } from './references.ts';

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

/** What comes of a build, in the hands of one worker at a time. */
export function imageHolding({ firestore, documents }: ImageCollection) {
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
  };
}

/** The indexes that wait no longer for a build, now that it is as it is. */
function wokenBy(document: ImageDocument | undefined, { build }: ImageDocument): readonly RequestKey[] {
  return build.state === 'none' || build.state === 'failed' ? (document?.indexes ?? []) : [];
}
