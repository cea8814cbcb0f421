// `usedAt` of images and manifests: when somebody pulled them last, within the hour. It is what expiry goes by, and the only
// write on the way of pulls.
import { FieldValue, type DocumentReference, type Timestamp } from '@google-cloud/firestore';
import { isLostRace } from './firestore.ts';

/** What a document said when it was read, in milliseconds of the server's time. */
export interface SeenUse {
  readonly usedAt: number | undefined;
  readonly readTime: number;
  readonly version: Timestamp;
}

/**
 * Notes a use, where the last one was noted `everyMs` ago or longer, in a document that is still as it was read: that field and
 * what is `beside` it alone, so that what is gone stays gone, and what was written meanwhile stays. Answers for how long nothing
 * more is to be noted, in milliseconds: 0 where the document has changed.
 */
export async function noteUse(
  reference: DocumentReference,
  { usedAt = Number.NEGATIVE_INFINITY, readTime, version }: SeenUse,
  everyMs: number,
  beside: { readonly recentUses?: number } = {},
): Promise<number> {
  const left = usedAt + everyMs - readTime;
  if (left > 0) return left;
  try {
    await reference.update({ ...beside, usedAt: FieldValue.serverTimestamp() }, { lastUpdateTime: version });
    return everyMs;
  } catch (error) {
    if (isLostRace(error)) return 0;
    throw error;
  }
}
