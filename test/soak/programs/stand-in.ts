// One of Google's services in a process of its own, that can be killed and started again on its data. What breaks it is
// asked for by messages.
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { createLog } from '#core/google/log.ts';
import { readSettings } from '#core/google/settings.ts';
import { startFirestore } from '#local/firestore/server.ts';
import { runEntry, sayReady } from '#local/program-entry.ts';
import { startPubSub } from '#local/pubsub/server.ts';
import type { Fault } from '#local/storage/faults.ts';
import { startStorage } from '#local/storage/server.ts';
import { commitLine } from '#test/soak/commits.ts';

const schema = z.object({
  STAND_IN: z.enum(['firestore', 'pubsub', 'storage']),
  /** 0 takes a free one. */
  STAND_IN_PORT: z.coerce.number(),
  STAND_IN_DATA: z.string(),
  /** Where Firestore's commits are noted. */
  STAND_IN_COMMITS: z.string(),
});

/** Sent to Cloud Storage's: a fault that its next requests are struck by. */
const faultMessageSchema = z.object({
  type: z.literal('fault'),
  fault: z.discriminatedUnion('effect', [
    z.object({ effect: z.literal('answer'), times: z.number(), status: z.literal(503) }),
    z.object({ effect: z.literal('cut'), times: z.number(), afterBytes: z.number() }),
    z.object({ effect: z.literal('cut answer'), times: z.number(), afterBytes: z.number() }),
    z.object({ effect: z.literal('delay'), times: z.number(), milliseconds: z.number() }),
  ]),
});
export type FaultMessage = z.infer<typeof faultMessageSchema>;

const log = createLog('stand-in');

await runEntry(log, async () => {
  const settings = readSettings(schema, process.env);
  const service = await start(settings);
  process.once('SIGTERM', () => void service.close().then(() => process.exit(0)));
  sayReady({ port: service.port });
});

function start({
  STAND_IN: which,
  STAND_IN_PORT: port,
  STAND_IN_DATA: dataFolder,
  STAND_IN_COMMITS: commits,
}: z.infer<typeof schema>) {
  switch (which) {
    case 'firestore':
      return startFirestore({
        port,
        dataFolder,
        onCommit: (versions, time) => appendFileSync(commits, commitLine(versions, time)),
      });
    case 'pubsub':
      return startPubSub({ port, dataFolder });
    case 'storage': {
      const faults: Fault[] = [];
      process.on('message', message => {
        const parsed = faultMessageSchema.safeParse(message);
        if (parsed.success) faults.push(parsed.data.fault);
      });
      return startStorage({ port, dataFolder, faults });
    }
  }
}
