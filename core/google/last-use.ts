// `usedAt` of images and manifests: when somebody pulled them last, within the hour. It is what expiry goes by, and the only
// write on the way of pulls.
import { FieldValue, type DocumentReference, type Timestamp } from '@google-cloud/firestore';
import { isLostRace } from './firestore.ts';

/** How often the use of one document is noted: Firestore takes about one write a second to one. Milliseconds. */
export const NOTED_EVERY_MS = 3_600_000;

/** What a document said when it was read, in milliseconds of the server's time. */
export interface SeenUse {
  readonly usedAt: number | undefined;
  readonly readTime: number;
  readonly version: Timestamp;
}

/**
 * Notes a use, where the last one was noted long ago, in a document that is still as it was read: that field alone, so that
 * what is gone stays gone, and what was written meanwhile stays. Answers for how long nothing more is to be noted, in
 * milliseconds: 0 where the document has changed.
 */
export async function noteUse(
  reference: DocumentReference,
  { usedAt = Number.NEGATIVE_INFINITY, readTime, version }: SeenUse,
): Promise<number> {
  const left = usedAt + NOTED_EVERY_MS - readTime;
  if (left > 0) return left;
  try {
    await reference.update({ usedAt: FieldValue.serverTimestamp() }, { lastUpdateTime: version });
    return NOTED_EVERY_MS;
  } catch (error) {
    if (isLostRace(error)) return 0;
    throw error;
  }
}
