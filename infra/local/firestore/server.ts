/**
 * A Firestore for one machine. It speaks google.firestore.v1, so the real client library uses it like Google's
 * when FIRESTORE_EMULATOR_HOST holds its address. It does what this project uses, exactly as Google does it, and
 * refuses the rest with UNIMPLEMENTED; test/contract/firestore holds it to both.
 */
import { bindService, descriptorOf, listenGrpc } from '#local/grpc-server.ts';
import { Clock, type Micros } from './clock.ts';
import { openDisk } from './disk.ts';
import { firestoreHandlers } from './service.ts';
import { DocumentStore } from './store.ts';
import type { Version } from './version.ts';
import { WIRE_OPTIONS } from './wire.ts';

export interface FirestoreOptions {
  /** 0, the default: a free one. */
  readonly port?: number;
  /** Where documents outlive the process; without it they are in memory only. One stand-in at a time. */
  readonly dataFolder?: string;
  /** The clock that it follows, in milliseconds since 1970: the machine's, or one by which a test has time pass. */
  readonly wallClock?: () => number;
  /** Told of every commit that changed something, once it is on disk: what each document was from then on. */
  readonly onCommit?: (versions: readonly Version[], time: Micros) => void;
}

export interface FirestoreStandIn {
  /** `host:port`, the value for FIRESTORE_EMULATOR_HOST. */
  readonly address: string;
  readonly port: number;
  /** Cuts all streams with UNAVAILABLE; clients come back when a server listens on the port again. */
  close(): Promise<void>;
}

/**
 * Starts listening on 127.0.0.1.
 *
 * @throws when the port is taken or the folder cannot be used
 */
export async function startFirestore(options: FirestoreOptions = {}): Promise<FirestoreStandIn> {
  const descriptor = await descriptorOf('@google-cloud/firestore', 'build/protos/v1.json');
  const disk = options.dataFolder === undefined ? undefined : openDisk(options.dataFolder);
  try {
    const clock = new Clock(disk?.lastCommit(), options.wallClock);
    const store = new DocumentStore(clock, disk);
    const { onCommit } = options;
    if (onCommit !== undefined) {
      store.onCommit((written, time) => {
        onCommit(
          [...written].map(name => store.latest(name)).filter(version => version !== undefined),
          time,
        );
      });
    }
    const handlers = firestoreHandlers(store, clock);
    const service = bindService(descriptor, 'google.firestore.v1.Firestore', handlers, WIRE_OPTIONS);
    const server = await listenGrpc([service], options.port);
    return {
      address: server.address,
      port: server.port,
      close: async () => {
        server.close();
        disk?.close();
      },
    };
  } catch (error) {
    disk?.close();
    throw error;
  }
}
