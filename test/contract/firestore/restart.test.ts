// The stand-in keeps its promises across restarts. The official emulator keeps nothing, so this is ours alone.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import {
  GeoPoint,
  Timestamp,
  type DocumentSnapshot,
  type Firestore,
  type QuerySnapshot,
} from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import { startFirestore, type FirestoreOptions, type FirestoreStandIn } from '#local/firestore/server.ts';
import { connect } from './backends.ts';
import { Inbox } from './inbox.ts';
import { DATABASE, RawClient, ROOT } from './raw-client.ts';

/** What a test has opened, closed after it in reverse order, however it ends. */
class Resources {
  readonly #stack = new AsyncDisposableStack();

  constructor(t: TestContext) {
    t.after(() => this.#stack.disposeAsync());
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'firestore-'));
    this.#stack.defer(() => rm(folder, { recursive: true }));
    return folder;
  }

  /** The stand-in in a process of its own, which can be killed. */
  async spawn(dataFolder: string, port = 0): Promise<Killable> {
    const child = fork(join(import.meta.dirname, 'serve.ts'), [dataFolder, String(port)]);
    const kill = async (): Promise<void> => {
      const ended = once(child, 'exit');
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended;
    };
    this.#stack.defer(kill);
    const [listening] = (await once(child, 'message')) as [{ port: number }];
    return { address: `127.0.0.1:${listening.port}`, port: listening.port, kill };
  }

  /** The stand-in in this process. Closing it a second time does no harm. */
  async start(options: FirestoreOptions): Promise<FirestoreStandIn> {
    const server = await startFirestore(options);
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= server.close());
    this.#stack.defer(close);
    return { ...server, close };
  }

  client(address: string): Firestore {
    const firestore = connect(address);
    this.#stack.defer(() => firestore.terminate());
    return firestore;
  }

  async raw(address: string): Promise<RawClient> {
    const raw = await RawClient.connect(address);
    this.#stack.defer(() => raw.close());
    return raw;
  }

  defer(close: () => void): void {
    this.#stack.defer(close);
  }
}

interface Killable {
  readonly address: string;
  readonly port: number;
  kill(): Promise<void>;
}

/** Commits pairs of documents without a pause until the server is gone; answers with those that were answered. */
async function commitUntilKilled(raw: RawClient, server: Killable, round: string): Promise<string[]> {
  const answered: string[] = [];
  const writer = async (lane: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const id = `${round}-${lane}-${index}`;
      const writes = ['left', 'right'].map(side => ({
        update: { name: `${ROOT}/${side}/${id}`, fields: {} },
      }));
      await raw.call('Commit', { database: DATABASE, writes });
      answered.push(id);
      if (answered.length === 60) void server.kill();
    }
  };
  await Promise.allSettled([0, 1, 2, 3].map(writer));
  return answered;
}

describe('restart', { timeout: 40_000, concurrency: true }, () => {
  test('after kill -9 every answered commit is there, whole, and time goes on', async t => {
    const resources = new Resources(t);
    const dataFolder = await resources.folder();
    const answered: string[] = [];
    let newest = '';
    for (const round of ['first', 'second', 'third']) {
      const server = await resources.spawn(dataFolder);
      const raw = await resources.raw(server.address);
      const firestore = resources.client(server.address);
      const [left, right] = await Promise.all([
        firestore.collection('left').get(),
        firestore.collection('right').get(),
      ]);
      const times = left.docs.map(({ updateTime }) => updateTime.valueOf()).sort();
      const { writeTime } = await firestore.doc(`times/${round}`).set({});
      assert.ok(newest < writeTime.valueOf() && (times.at(-1) ?? '') < writeTime.valueOf());
      newest = writeTime.valueOf();
      const ids = left.docs.map(({ id }) => id);
      assert.deepEqual(
        right.docs.map(({ id }) => id),
        ids,
      );
      assert.deepEqual(
        answered.filter(id => !ids.includes(id)),
        [],
      );
      answered.push(...(await commitUntilKilled(raw, server, round)));
    }
  });

  test('every type of value and the times survive, and what was deleted stays deleted', async t => {
    const resources = new Resources(t);
    const dataFolder = await resources.folder();
    const data = {
      text: 'é',
      nan: Number.NaN,
      negativeZero: -0,
      large: Number.MAX_SAFE_INTEGER,
      bytes: Buffer.from([0, 255]),
      time: new Timestamp(1, 5000),
      place: new GeoPoint(1, -1),
      list: [null, { deep: [true] }],
    };
    const first = await resources.start({ dataFolder });
    const before = resources.client(first.address);
    await before.doc('c/gone').set({});
    await before.doc('c/gone').delete();
    await before.doc('c/kept').set(data);
    const kept = await before.doc('c/kept').get();
    await first.close();

    const second = await resources.start({ dataFolder });
    const after = resources.client(second.address);
    const { docs } = await after.collection('c').get();
    assert.deepEqual(
      docs.map(document => document.data()),
      [data],
    );
    assert.deepEqual(docs[0]?.createTime, kept.createTime);
    assert.deepEqual(docs[0]?.updateTime, kept.updateTime);
    // Writing it once more changes nothing: what was read from the disk is the same.
    assert.deepEqual((await after.doc('c/kept').set(data)).writeTime, kept.updateTime);
  });

  test('listeners come back by themselves, and hear of what happened meanwhile', async t => {
    const resources = new Resources(t);
    const dataFolder = await resources.folder();
    const first = await resources.spawn(dataFolder);
    const firestore = resources.client(first.address);
    const collection = firestore.collection('c');
    await Promise.all(['a', 'gone', 'same'].map(id => collection.doc(id).set({ n: 1 })));
    const documents = new Inbox<DocumentSnapshot>();
    const queries = new Inbox<QuerySnapshot>();
    const stops = [
      collection.doc('a').onSnapshot(documents.push, documents.fail),
      collection.onSnapshot(queries.push, queries.fail),
    ];
    for (const stop of stops) resources.defer(stop);
    assert.equal((await documents.next()).get('n'), 1);
    assert.equal((await queries.next()).size, 3);
    await first.kill();

    const second = await resources.spawn(dataFolder, first.port);
    const other = resources.client(second.address);
    await other.batch().update(other.doc('c/a'), { n: 2 }).delete(other.doc('c/gone')).commit();
    assert.equal((await documents.next()).get('n'), 2);
    const changes = (await queries.next()).docChanges().map(({ type, doc }) => `${type} ${doc.id}`);
    assert.deepEqual(changes, ['removed gone', 'modified a']);
    // Before the server ends, or they would try to come back while their client is closed.
    for (const stop of stops) stop();
  });

  test('a transaction that the restart cut in two is tried again from its start', async t => {
    const resources = new Resources(t);
    const dataFolder = await resources.folder();
    const first = await resources.spawn(dataFolder);
    const firestore = resources.client(first.address);
    const document = firestore.doc('c/a');
    await document.set({ n: 1 });
    let attempts = 0;
    await firestore.runTransaction(async transaction => {
      attempts += 1;
      const n: number = (await transaction.get(document)).get('n');
      if (attempts === 1) {
        await first.kill();
        await resources.spawn(dataFolder, first.port);
      }
      transaction.update(document, { n: n + 1 });
    });
    assert.equal(attempts, 2);
    assert.equal((await document.get()).get('n'), 2);
  });

  test('nothing can be read from before the start', async t => {
    const resources = new Resources(t);
    const dataFolder = await resources.folder();
    const first = await resources.start({ dataFolder });
    const before = resources.client(first.address);
    const { writeTime: readTime } = await before.doc('c/a').set({ n: 1 });
    await before.doc('c/a').set({ n: 2 });
    await first.close();

    const second = await resources.start({ dataFolder });
    const raw = await resources.raw(second.address);
    const { seconds, nanoseconds: nanos } = readTime;
    const request = { database: DATABASE, documents: [`${ROOT}/c/a`], readTime: { seconds, nanos } };
    await assert.rejects(raw.collect('BatchGetDocuments', request), { code: status.FAILED_PRECONDITION });
  });

  test('a second stand-in on the same data, or the same port, does not start', async t => {
    const resources = new Resources(t);
    const dataFolder = await resources.folder();
    const first = await resources.spawn(dataFolder);
    await assert.rejects(resources.start({ dataFolder }), /firestore\.sqlite: another process uses it/);
    const elsewhere = await resources.folder();
    await assert.rejects(resources.start({ dataFolder: elsewhere, port: first.port }), /EADDRINUSE/);
    await first.kill();
    await resources.start({ dataFolder, port: first.port });
  });
});
