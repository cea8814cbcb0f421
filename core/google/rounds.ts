// `janitor/{sweep}`: how far the janitor's sweeps have come, so that the next run goes on where one ended or was killed. None of
// this is needed to be right: whoever goes through a collection again finds less to do.
import type { Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { openDocuments } from './documents.ts';

const roundSchema = z.object({
  /** Where the round goes on. Absent where it ended. */
  position: z.string().optional(),
  /** Documents of this round so far that the janitor did not know. */
  unknown: z.int().nonnegative(),
  /** When the last whole round ended, by the server's clock, in milliseconds. */
  endedAt: z.number().optional(),
  /** Whether all that the last whole round met was known. */
  isClean: z.boolean().optional(),
});

export type Round = z.infer<typeof roundSchema>;

export type Rounds = ReturnType<typeof openRounds>;

export function openRounds(firestore: Firestore) {
  const documents = openDocuments(firestore.collection('janitor'), roundSchema);
  return {
    read: documents.read,

    /** Notes where a round goes on; without a position, that it has ended. */
    async note(sweep: string, { position, unknown }: Pick<Round, 'position' | 'unknown'>): Promise<void> {
      await documents.change(sweep, (round, now) => ({
        next:
          position === undefined
            ? { unknown: 0, endedAt: now, isClean: unknown === 0 }
            : { ...round, position, unknown },
        result: undefined,
      }));
    },
  };
}
