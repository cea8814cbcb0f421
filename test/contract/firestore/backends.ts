// What the contract suite runs against: our stand-in always, Google's official emulator where it is installed.
import { after, before, describe } from 'node:test';
import { Firestore, type CollectionReference } from '@google-cloud/firestore';
import { startFirestore } from '#local/firestore/server.ts';
import { findOfficialFirestore, startOfficialFirestore } from '#test/contract/official-firestore.ts';
import { officialDifferences, type OfficialDifference } from './known-differences.ts';
import { freshCollection, PROJECT, RawClient } from './raw-client.ts';

process.env['METADATA_SERVER_DETECTION'] = 'none';
process.env['GOOGLE_CLOUD_PROJECT'] = PROJECT;

export interface Backend {
  readonly firestore: Firestore;
  readonly raw: RawClient;
  /** Empty, and of no other test. */
  collection(): CollectionReference;
  /** For a test's `skip`: the known difference, where the backend is the one that differs. */
  differsIn(name: OfficialDifference): string | false;
}

interface RunningServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Tests that hold for every backend. */
export type Suite = (backend: Backend) => void;

/** Runs the suites against every backend, each started once. */
export function onEveryBackend(suites: Readonly<Record<string, Suite>>): void {
  onBackend(
    'stand-in',
    () => startFirestore(),
    () => false,
    suites,
  );
  const official = findOfficialFirestore();
  const officialTitle = "Google's emulator";
  if ('missing' in official) {
    describe(officialTitle, { skip: official.missing });
    return;
  }
  onBackend(
    officialTitle,
    () => startOfficialFirestore(official.jar),
    name => `known difference: ${officialDifferences[name]}`,
    suites,
  );
}

/** The real client library, on a server of ours. */
export function connect(address: string): Firestore {
  process.env['FIRESTORE_EMULATOR_HOST'] = address;
  return new Firestore({ projectId: PROJECT });
}

function onBackend(
  title: string,
  start: () => Promise<RunningServer>,
  differsIn: Backend['differsIn'],
  suites: Readonly<Record<string, Suite>>,
): void {
  // At once: most of the time of a test is the client library's, which waits before it tries again.
  describe(title, { timeout: 60_000, concurrency: true }, () => {
    let server: RunningServer | undefined;
    let firestore: Firestore | undefined;
    let raw: RawClient | undefined;
    before(async () => {
      server = await start();
      firestore = connect(server.address);
      raw = await RawClient.connect(server.address);
    });
    after(async () => {
      raw?.close();
      await Promise.all([firestore?.terminate(), server?.close()]);
    });
    const running = <T>(part: T | undefined): T => {
      if (part === undefined) throw new Error('The backend runs only within tests.');
      return part;
    };
    const backend: Backend = {
      differsIn,
      get firestore() {
        return running(firestore);
      },
      get raw() {
        return running(raw);
      },
      collection: () => running(firestore).collection(freshCollection()),
    };
    for (const [name, suite] of Object.entries(suites)) {
      describe(name, { concurrency: true }, () => suite(backend));
    }
  });
}
