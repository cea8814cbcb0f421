// `janitor/{sweep}`: how far the janitor's sweeps have come, so that the next run goes on where one ended or was killed. None of
// this is needed to be right: whoever goes through a collection again finds less to do.
import type { Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { openDocuments, type Seen } from './documents.ts';

/** What it does not know of one is as if it was not there: a sweep begins anew then, and a round is not taken for a clean one. */
const roundSchema = z.object({
  /** Where the round goes on. Absent where it ended. */
  position: z.string().optional().catch(undefined),
  /** How much of this round so far was left aside: what the janitor did not know, or others kept changing. */
  leftAside: z.int().nonnegative().catch(1),
  /** When the last whole round ended, by the server's clock, in milliseconds. */
  endedAt: z.number().optional().catch(undefined),
  /** Whether the last whole round left nothing aside. */
  isClean: z.boolean().optional().catch(undefined),
});

export type Round = z.infer<typeof roundSchema>;

export type SeenRound = Seen<Round>;

export type Rounds = ReturnType<typeof openRounds>;

export function openRounds(firestore: Firestore) {
  const documents = openDocuments(firestore.collection('janitor'), roundSchema);
  return {
    read: documents.read,

    /**
     * Notes where the round that was `seen` goes on; without a position, that it has ended. Answers the round as it is then.
     * Undefined where another janitor has noted something meanwhile: the round is that one's.
     */
    async note(
      sweep: string,
      seen: SeenRound,
      { position, leftAside }: Pick<Round, 'position' | 'leftAside'>,
    ): Promise<SeenRound | undefined> {
      const next =
        position === undefined
          ? { leftAside: 0, endedAt: seen.readTime, isClean: leftAside === 0 }
          : { ...seen.document, position, leftAside };
      if (!(await documents.writeIfUnchanged(sweep, seen, next))) return undefined;
      const noted = await documents.read(sweep);
      const isOurs = noted.document?.position === position && noted.document?.leftAside === next.leftAside;
      return isOurs ? noted : undefined;
    },
  };
}
