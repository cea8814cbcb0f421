// What all sweeps are: a collection that is gone through page by page, and a step for each thing in it that may be due. Each
// step decides by what it reads itself, in one transaction with what it writes: whatever happens between two steps, and
// however many janitors there are, nothing is done that is not due at that moment.
import type { Firestore, Transaction } from '@google-cloud/firestore';
import { z } from 'zod';
import type { Blobs } from '#core/google/blobs.ts';
import type { BucketContents } from '#core/google/bucket-contents.ts';
import type { Write } from '#core/google/documents.ts';
import { isAborted } from '#core/google/firestore.ts';
import type { Hints } from '#core/google/hints.ts';
import type { Images } from '#core/google/images.ts';
import type { Page } from '#core/google/pages.ts';
import type { Retention } from '#core/google/retention-settings.ts';
import type { Sources } from '#core/google/sources.ts';

/** What became of a thing that was looked at. */
export type Outcome =
  /** It stays as it is: it is in use, or not due. */
  | 'kept'
  | 'deleted'
  /** A manifest has its blobs in a list now, by which they are found. */
  | 'listed'
  /** A blob is named by a manifest: that is noted, and its tombstone lifted. */
  | 'named'
  /** A blob has a tombstone now. */
  | 'marked'
  /** A blob is to be deleted, and is not served any more. */
  | 'condemned'
  /** An object of the bucket that nothing told of has a document now, with a tombstone. */
  | 'adopted'
  /** A blob has the generation noted that its object is of. */
  | 'corrected'
  /** A blob whose object is lost is forgotten, and what named it is to be made again. */
  | 'lost'
  /** It is not one that this code knows: it is left alone. */
  | 'unknown'
  /** Others wrote to it all the while: the next round will see. */
  | 'busy'
  /** Something went wrong with it, which is told: the next round tries again. */
  | 'failed';

export interface Step {
  /** What it looks at: a document's id, or an object's name. */
  readonly subject: string;
  readonly take: () => Promise<Outcome>;
}

export interface Sweep {
  readonly name: string;
  /** How long to wait after a whole round. Milliseconds. */
  readonly restMs: number;
  /** A sweep without whose whole round, in which nothing was left aside, this one must not begin. */
  readonly needs?: string;
  /** The steps from a position on. `now`: the server's time, in milliseconds. */
  readonly page: (position: string | undefined, now: number) => Promise<Page<Step>>;
}

export interface Decision {
  readonly outcome: Outcome;
  /** What makes it so. */
  readonly write?: Write;
}

/** What sweeps work with. */
export interface Workplace {
  readonly firestore: Firestore;
  readonly images: Images;
  readonly sources: Sources;
  readonly blobs: Blobs;
  readonly bucket: BucketContents;
  readonly snapshotsBucket: BucketContents;
  readonly hints: Pick<Hints, 'send'>;
  readonly retention: Retention;
  /** Nothing is written: outcomes say what would be. */
  readonly dryRun: boolean;
}

const HOUR_MS = 3_600_000;

/** How long to rest after a round that looks for what is over after so many milliseconds: it is found a 24th of that late. */
export function restAfter(milliseconds: number): number {
  return Math.min(HOUR_MS, milliseconds / 24);
}

/** Steps of a page. */
export function stepsOf<T>({ items, next }: Page<T>, stepOf: (item: T) => Step): Page<Step> {
  return { items: items.map(stepOf), next };
}

/**
 * Decides and writes in one transaction; `decide` may run more than once. A dry run's can only read: Firestore itself would refuse
 * it a write.
 */
export async function decideAndWrite(
  { firestore, dryRun }: Pick<Workplace, 'firestore' | 'dryRun'>,
  decide: (transaction: Transaction) => Promise<Decision>,
): Promise<Outcome> {
  return knownOrLeft(() =>
    firestore.runTransaction(
      async transaction => {
        const { outcome, write } = await decide(transaction);
        if (!dryRun) write?.(transaction);
        return outcome;
      },
      dryRun ? { readOnly: true } : {},
    ),
  );
}

/** What is not of a form that this code knows is left as it is; so is what others keep changing, for now. */
export async function knownOrLeft(take: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await take();
  } catch (error) {
    // Of a schema, or of the bytes of a manifest.
    if (error instanceof z.ZodError || error instanceof SyntaxError) return 'unknown';
    if (isAborted(error)) return 'busy';
    throw error;
  }
}
