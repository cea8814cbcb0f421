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

/** Runs the tests against every backend, each started once for them. */
export function onEveryBackend(title: string, tests: (backend: Backend) => void): void {
  onBackend(
    `${title}: stand-in`,
    () => startFirestore(),
    () => false,
    tests,
  );
  const official = findOfficialFirestore();
  const officialTitle = `${title}: Google's emulator`;
  if ('missing' in official) {
    describe(officialTitle, { skip: official.missing });
    return;
  }
  onBackend(
    officialTitle,
    () => startOfficialFirestore(official.jar),
    name => `known difference: ${officialDifferences[name]}`,
    tests,
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
  tests: (backend: Backend) => void,
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
      await firestore?.terminate();
      await server?.close();
    });
    const running = <T>(part: T | undefined): T => {
      if (part === undefined) throw new Error('The backend runs only within tests.');
      return part;
    };
    tests({
      differsIn,
      get firestore() {
        return running(firestore);
      },
      get raw() {
        return running(raw);
      },
      collection: () => running(firestore).collection(freshCollection()),
    });
  });
}
