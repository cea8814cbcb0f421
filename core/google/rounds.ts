// `janitor/{sweep}`: how far the janitor's sweeps have come, so that the next run goes on where one ended or was killed. None of
// this is needed to be right: whoever goes through a collection again finds less to do.
import type { Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { openDocuments } from './documents.ts';

const roundSchema = z.object({
  /** Where the round goes on. Absent where it ended. */
  position: z.string().optional(),
  /** How much of this round so far was left aside: what the janitor did not know, or others kept changing. */
  leftAside: z.int().nonnegative(),
  /** When the last whole round ended, by the server's clock, in milliseconds. */
  endedAt: z.number().optional(),
  /** Whether the last whole round left nothing aside. */
  isClean: z.boolean().optional(),
});

export type Round = z.infer<typeof roundSchema>;

export type Rounds = ReturnType<typeof openRounds>;

export function openRounds(firestore: Firestore) {
  const documents = openDocuments(firestore.collection('janitor'), roundSchema);
  return {
    read: documents.read,

    /** Notes where a round goes on; without a position, that it has ended. */
    async note(sweep: string, { position, leftAside }: Pick<Round, 'position' | 'leftAside'>): Promise<void> {
      await documents.change(sweep, (round, now) => ({
        next:
          position === undefined
            ? { leftAside: 0, endedAt: now, isClean: leftAside === 0 }
            : { ...round, position, leftAside },
        result: undefined,
      }));
    },
  };
}
