// How long what nobody uses is kept, and how carefully it goes. The janitor collects by these; the registry notes uses, and
// trusts its memory, by the same. docs/storage.md tells what goes when.
import { z } from 'zod';
import { ConfigurationError } from '../errors.ts';

/** Fractions are fine: a test keeps things for seconds. */
export const retentionSettings = {
  /** Images, manifests and sources that nobody used for so long go. */
  DERIVERY_KEEP_DAYS: z.coerce.number().positive().default(30),
  /** Blobs go that no manifest was seen to name for so long: longer than any build takes from its first upload to its end. */
  DERIVERY_BLOB_GRACE_HOURS: z.coerce
    .number()
    .positive()
    .default(7 * 24),
  /** For so long a blob that is to go is served on, and can be taken up again: longer than any pull takes. */
  DERIVERY_TOMBSTONE_HOURS: z.coerce.number().positive().default(24),
};

/** {@link retentionSettings}, in milliseconds. */
export interface Retention {
  readonly keepMs: number;
  readonly graceMs: number;
  readonly tombstoneMs: number;
}

const HOUR_MS = 3_600_000;

/** The retention that the settings come to. Throws a {@link ConfigurationError} where they do not go together. */
export function retentionOf(settings: z.infer<z.ZodObject<typeof retentionSettings>>): Retention {
  const retention = {
    keepMs: settings.DERIVERY_KEEP_DAYS * 24 * HOUR_MS,
    graceMs: settings.DERIVERY_BLOB_GRACE_HOURS * HOUR_MS,
    tombstoneMs: settings.DERIVERY_TOMBSTONE_HOURS * HOUR_MS,
  };
  const noted = notedEveryMs(retention);
  if (retention.tombstoneMs > noted) return retention;
  throw new ConfigurationError(
    `configuration: DERIVERY_TOMBSTONE_HOURS: has to be more than ${noted / HOUR_MS}: for so many hours (a 24th of ` +
      'DERIVERY_KEEP_DAYS, one at most) a registry may serve a manifest from memory that was deleted, and its blobs have to ' +
      'outlast that. Set it longer, or DERIVERY_KEEP_DAYS shorter',
  );
}

/**
 * How often the use of one document is noted, and for how long a registry goes by a manifest in its memory: Firestore takes
 * about one write a second to one document, and what is kept for a short time has to be noted more often. Milliseconds, a whole
 * number.
 */
export function notedEveryMs({ keepMs }: Pick<Retention, 'keepMs'>): number {
  return Math.min(HOUR_MS, Math.ceil(keepMs / 24));
}

/** Of the time that a marked blob is there, the share in which a silent Firestore's manifests are answered; the rest is for pulls. */
const ANSWERED_SHARE = 1 / 4;

/**
 * For how long after it was seen in Firestore a manifest may be answered from memory, at most: where Firestore is silent. It may
 * have been deleted right after that look, and its blobs been marked, but not before. Milliseconds.
 */
export function answeredMs(retention: Retention): number {
  return Math.max(notedEveryMs(retention), retention.tombstoneMs * ANSWERED_SHARE);
}

/**
 * For how long a signed address of a blob may work: an hour, and no longer than its blob is there for whoever got its manifest
 * at the last moment. Seconds, a whole number. Throws a {@link ConfigurationError} where that comes to none.
 */
export function signedSeconds(retention: Retention): number {
  const lastMs = retention.tombstoneMs - answeredMs(retention);
  const seconds = Math.min(HOUR_MS / 1000, Math.floor(lastMs / 1000));
  if (seconds >= 1) return seconds;
  // One more: as hours, and read again, it may have lost a fraction.
  const leastMs = 1 + Math.max(notedEveryMs(retention) + 1000, Math.ceil(1000 / (1 - ANSWERED_SHARE)));
  throw new ConfigurationError(
    'configuration: DERIVERY_TOMBSTONE_HOURS: is too short for DERIVERY_BUCKET_ACCESS=private: signed addresses of blobs work ' +
      `for ${lastMs / 1000} s then, and a second is the least. Set it to ${leastMs / HOUR_MS} or more`,
  );
}
