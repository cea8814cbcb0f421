// What the contract tests of Cloud Storage run against: the stand-in of infra/local/storage, through Google's own
// client. Google has no emulator of Cloud Storage, so there is no oracle beside it: what is demanded here is what
// Google documents and what its client relies on.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bucket, Storage, type StorageOptions } from '@google-cloud/storage';
import type { Fault } from '#local/storage/faults.ts';
import {
  startStorage,
  type StorageOptions as ServerOptions,
  type StorageServer,
} from '#local/storage/server.ts';

process.env['METADATA_SERVER_DETECTION'] = 'none';
process.env['GOOGLE_CLOUD_PROJECT'] = 'test';

export interface Subject extends AsyncDisposable {
  readonly server: StorageServer;
  readonly dataFolder: string;
  readonly client: Storage;
  /** A new, empty bucket. */
  readonly bucket: Bucket;
  /** Faults for the server; tests that share it put them here and see to it that they are spent. */
  readonly faults: Fault[];
}

/** Starts a server of its own on a fresh folder, which goes when the subject is disposed of. */
export async function startSubject(
  options: Pick<ServerOptions, 'verifyKey' | 'publicRead' | 'now'> = {},
): Promise<Subject> {
  const dataFolder = await temporaryFolder();
  const faults: Fault[] = [];
  const server = await startStorage({ dataFolder, faults, ...options });
  const client = clientOf(server.url);
  const dispose = async () => {
    await server.close();
    await rm(dataFolder, { recursive: true });
  };
  try {
    const bucket = await newBucket(client);
    return { server, dataFolder, client, bucket, faults, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'derivery-storage-'));
}

/** Google's client, told of the server by its option `apiEndpoint`. */
export function clientOf(url: string, options: StorageOptions = {}): Storage {
  return new Storage({ apiEndpoint: url, projectId: 'test', ...options });
}

/** Google's client, told of the server by the environment, which makes it use other paths. */
export function clientByEnvironment(url: string): Storage {
  process.env['STORAGE_EMULATOR_HOST'] = url;
  try {
    return new Storage({ projectId: 'test' });
  } finally {
    delete process.env['STORAGE_EMULATOR_HOST'];
  }
}

export async function newBucket(client: Storage): Promise<Bucket> {
  const [bucket] = await client.createBucket(`bucket-${randomUUID()}`);
  return bucket;
}

/** Asserts that Google's client fails with this code: an HTTP status, mostly. */
export async function rejectsWith(code: number | string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: Error & { code?: unknown }) => {
    assert.equal(String(error.code), String(code), error.message);
    return true;
  });
}

/** `created`, or the code of the error. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'created',
    (error: { code?: unknown }) => String(error.code),
  );
}
