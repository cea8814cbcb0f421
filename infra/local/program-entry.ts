// What the programs under the supervisor have in common: how they say that they are ready, and how they fail to start.
import { z } from 'zod';
import { ConfigurationError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';

/** What a program sends to the supervisor when it is open for business. */
export const readyMessageSchema = z.object({
  type: z.literal('ready'),
  /** Where it listens, for those that do. */
  port: z.number().optional(),
  /** What other programs need in their environment to find it. */
  environment: z.record(z.string(), z.string()).optional(),
});
export type ReadyMessage = z.infer<typeof readyMessageSchema>;

export function sayReady(facts: Omit<ReadyMessage, 'type'> = {}): void {
  process.send?.({ type: 'ready', ...facts } satisfies ReadyMessage);
}

/** Runs a program's entry. What keeps it from starting is one line of its log, and exit code 1. */
export async function runEntry(log: Log, entry: () => Promise<void>): Promise<void> {
  try {
    await entry();
  } catch (error) {
    if (error instanceof ConfigurationError) log.fatal(error.message);
    else log.fatal({ error }, 'cannot start');
    process.exit(1);
  }
}
