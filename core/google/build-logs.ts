// `logs/{id}`: the end of the log of a build that failed, for the page that its message names. Whoever knows the id may read it.
import { randomUUID } from 'node:crypto';
import { Timestamp, type Firestore, type Transaction } from '@google-cloud/firestore';
import { z } from 'zod';

/** The id of a log is a random UUID: 122 bits that nobody guesses. */
export const buildLogIdSchema = z.uuidv4().brand('BuildLogId');
export type BuildLogId = z.infer<typeof buildLogIdSchema>;

export interface BuildLog {
  readonly id: BuildLogId;
  readonly text: string;
}

export function newBuildLog(text: string): BuildLog {
  return { id: buildLogIdSchema.parse(randomUUID()), text };
}

/** How long a log is kept: longer than its failure is the answer, so that there is time to read it. Milliseconds. */
const LIFETIME = 24 * 3_600_000;

const storedSchema = z.object({ text: z.string(), expireAt: z.instanceof(Timestamp) });

export type BuildLogs = ReturnType<typeof openBuildLogs>;

export function openBuildLogs(firestore: Firestore) {
  return {
    /** Undefined where there is none, or none any more. */
    async read(id: BuildLogId): Promise<string | undefined> {
      const snapshot = await firestore.collection('logs').doc(id).get();
      if (!snapshot.exists) return undefined;
      const { text, expireAt } = storedSchema.parse(snapshot.data());
      // The database removes what is over when it likes.
      return expireAt.toMillis() > snapshot.readTime.toMillis() ? text : undefined;
    },
  };
}

/** Writes a log as part of a transaction. `now`: the server's time. */
export function storeBuildLog(firestore: Firestore, { id, text }: BuildLog, now: number) {
  const expireAt = Timestamp.fromMillis(now + LIFETIME);
  return (transaction: Transaction): void => {
    transaction.set(firestore.collection('logs').doc(id), { text, expireAt });
  };
}
