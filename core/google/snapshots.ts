// `snapshots/…` in the bucket: what layers are planned by, frozen. Each is written once, and never changed.
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { IdempotencyStrategy, Storage } from '@google-cloud/storage';
import pRetry from 'p-retry';
import { TransientError } from '../errors.ts';
import { readSnapshot, storedSnapshot, storedSnapshotSchema, type Snapshot } from '../layer-snapshot.ts';

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** Tries of one read after the first. */
const RETRIES = 3;

export type Snapshots = ReturnType<typeof openSnapshots>;

export function openSnapshots(projectId: string, bucketName: string) {
  const retryOptions = { idempotencyStrategy: IdempotencyStrategy.RetryAlways };
  const bucket = new Storage({ projectId, retryOptions }).bucket(bucketName);
  // Reads are tried again here, and not by the client: of a download that is answered 503 it pipes the answer into a stream
  // that it has just destroyed, which ends the process (teeny-request 11 under retry-request 9; Node's pipeline throws).
  const readOnce = new Storage({ projectId, retryOptions: { autoRetry: false } }).bucket(bucketName);

  /** Undefined where there is no such object. */
  async function download(name: string): Promise<Buffer | undefined> {
    try {
      const [bytes] = await readOnce.file(name).download({ decompress: false, validation: false });
      return bytes;
    } catch (error) {
      if (hasCode(error, 404)) return undefined;
      throw error;
    }
  }

  /** Undefined where there is none of the name. Throws a {@link TransientError}, and an Error where it is not one of ours. */
  async function read(name: string): Promise<Snapshot | undefined> {
    let bytes: Buffer | undefined;
    try {
      bytes = await pRetry(() => download(name), { retries: RETRIES, minTimeout: 200, randomize: true });
    } catch (error) {
      throw new TransientError(`cannot read ${name} in the bucket`, { cause: error });
    }
    if (bytes === undefined) return undefined;
    try {
      const text = (await unzip(bytes)).toString();
      return readSnapshot(storedSnapshotSchema.parse(JSON.parse(text)));
    } catch (error) {
      throw new Error(`${name} in the bucket is no snapshot of layers that this worker can read`, {
        cause: error,
      });
    }
  }

  return {
    read,

    /**
     * Freezes a snapshot under its name; answers the one that is there for good, which may be another worker's. Throws a
     * {@link TransientError}. `revision`: of the package set, noted beside it, since the name has only its hash.
     */
    async create(name: string, snapshot: Snapshot, revision: string): Promise<Snapshot> {
      const bytes = await zip(JSON.stringify(storedSnapshot(snapshot)));
      try {
        await bucket.file(name).save(bytes, {
          resumable: false,
          preconditionOpts: { ifGenerationMatch: 0 },
          validation: 'crc32c',
          metadata: { contentType: 'application/gzip', metadata: { [REVISION]: revision } },
        });
        return snapshot;
      } catch (error) {
        if (!hasCode(error, 412)) {
          throw new TransientError(`cannot store ${name} in the bucket`, { cause: error });
        }
        // Somebody was first; or it was us, and the answer was lost.
        const first = await read(name);
        if (first !== undefined) return first;
        throw new TransientError(`${name} in the bucket was there, and is not any more`);
      }
    },
  };
}

/** Under which an object has its {@link revisionOf}. */
const REVISION = 'revision';

/** The revision of the package set that a snapshot is of, by the notes on its object. Absent from those of before. */
export function revisionOf(notes: Readonly<Record<string, string>>): string | undefined {
  return notes[REVISION];
}

function hasCode(error: unknown, code: number): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
