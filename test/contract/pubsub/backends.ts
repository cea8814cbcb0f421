// What the contract suite runs against: our stand-in always, Google's official emulator where it is installed.
import { after, before, describe } from 'node:test';
import { startPubSub } from '#local/pubsub/server.ts';
import { findOfficialPubSub, startOfficialPubSub } from '#test/contract/official-pubsub.ts';
import { Clients } from './clients.ts';

/** Where the official emulator (0.8.20) is known to differ from Google's service, which the stand-in follows. */
const officialDifferences = {
  'flow control': 'ignores maxOutstandingMessages and maxOutstandingBytes: a stream gets everything at once',
  'stream deadlines': 'streams have their real minimum deadline of 10 s, which is too long to wait for',
  'deadline bounds': 'takes a new ack deadline of more than 600 s',
  'retry policy': 'pull gives a nacked message back at once, whatever the retry policy says',
  'push attempts': 'push requests do not tell the delivery attempt, and retries come seconds apart',
  keepalives: 'does not answer the keepalives of a stream, so that clients open a new one every 45 s',
} as const;

export interface Backend {
  /** Clients of the running server. */
  clients(): Clients;
  /** For a test's `skip`: the known difference, where the backend is the one that differs. */
  differsIn(name: keyof typeof officialDifferences): string | false;
}

interface RunningServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Runs the tests against every backend, each started once for them. Deadlines may be as short as a second. */
export function onEveryBackend(title: string, tests: (backend: Backend) => void): void {
  onBackend(
    `${title}: stand-in`,
    () => startPubSub({ minimumAckDeadlineSeconds: 1 }),
    () => false,
    tests,
  );
  const official = findOfficialPubSub();
  const officialTitle = `${title}: Google's emulator`;
  if ('missing' in official) {
    describe(officialTitle, { skip: official.missing });
    return;
  }
  onBackend(
    officialTitle,
    () => startOfficialPubSub(official.jar),
    name => officialDifferences[name],
    tests,
  );
}

function onBackend(
  title: string,
  start: () => Promise<RunningServer>,
  differsIn: Backend['differsIn'],
  tests: (backend: Backend) => void,
): void {
  // Together, because most of their time is waiting; each has topics of its own.
  describe(title, { timeout: 120_000, concurrency: true }, () => {
    let server: RunningServer | undefined;
    let clients: Clients | undefined;
    before(async () => {
      server = await start();
      clients = new Clients(server.address);
    });
    after(async () => {
      await clients?.close();
      await server?.close();
    });
    tests({
      differsIn,
      clients() {
        if (!clients) throw new Error('The backend runs only within tests.');
        return clients;
      },
    });
  });
}
