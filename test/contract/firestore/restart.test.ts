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
import { startFirestore } from '#local/firestore/server.ts';
import { connect } from './backends.ts';
import { Inbox } from './inbox.ts';
import { DATABASE, RawClient, ROOT } from './raw-client.ts';

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firestore-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

interface Killable {
  readonly address: string;
  readonly port: number;
  kill(): Promise<void>;
}

/** The stand-in in a process of its own, which can be killed. */
async function spawnServer(t: TestContext, dataFolder: string, port = 0): Promise<Killable> {
  const child = fork(join(import.meta.dirname, 'serve.ts'), [dataFolder, String(port)]);
  t.after(() => child.kill('SIGKILL'));
  const [listening] = (await once(child, 'message')) as [{ port: number }];
  const kill = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return { address: `127.0.0.1:${listening.port}`, port: listening.port, kill };
}

function client(t: TestContext, address: string): Firestore {
  const firestore = connect(address);
  t.after(() => firestore.terminate());
  return firestore;
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
    const dataFolder = await temporaryFolder(t);
    const answered: string[] = [];
    let newest = '';
    for (const round of ['first', 'second', 'third']) {
      const server = await spawnServer(t, dataFolder);
      const raw = await RawClient.connect(server.address);
      const firestore = client(t, server.address);
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
      raw.close();
    }
  });

  test('every type of value and the times survive, and what was deleted stays deleted', async t => {
    const dataFolder = await temporaryFolder(t);
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
    const first = await startFirestore({ dataFolder });
    const before = connect(first.address);
    await before.doc('c/gone').set({});
    await before.doc('c/gone').delete();
    await before.doc('c/kept').set(data);
    const kept = await before.doc('c/kept').get();
    await before.terminate();
    await first.close();

    const second = await startFirestore({ dataFolder });
    const after = connect(second.address);
    const { docs } = await after.collection('c').get();
    assert.deepEqual(
      docs.map(document => document.data()),
      [data],
    );
    assert.deepEqual(docs[0]?.createTime, kept.createTime);
    assert.deepEqual(docs[0]?.updateTime, kept.updateTime);
    // Writing it once more changes nothing: what was read from the disk is the same.
    assert.deepEqual((await after.doc('c/kept').set(data)).writeTime, kept.updateTime);
    await after.terminate();
    await second.close();
  });

  test('listeners come back by themselves, and hear of what happened meanwhile', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await spawnServer(t, dataFolder);
    const firestore = client(t, first.address);
    const collection = firestore.collection('c');
    await Promise.all(['a', 'gone', 'same'].map(id => collection.doc(id).set({ n: 1 })));
    const documents = new Inbox<DocumentSnapshot>();
    const queries = new Inbox<QuerySnapshot>();
    const stops = [
      collection.doc('a').onSnapshot(documents.push, documents.fail),
      collection.onSnapshot(queries.push, queries.fail),
    ];
    assert.equal((await documents.next()).get('n'), 1);
    assert.equal((await queries.next()).size, 3);
    await first.kill();

    const second = await spawnServer(t, dataFolder, first.port);
    const other = client(t, second.address);
    await other.batch().update(other.doc('c/a'), { n: 2 }).delete(other.doc('c/gone')).commit();
    assert.equal((await documents.next()).get('n'), 2);
    const changes = (await queries.next()).docChanges().map(({ type, doc }) => `${type} ${doc.id}`);
    assert.deepEqual(changes, ['removed gone', 'modified a']);
    for (const stop of stops) stop();
  });

  test('a transaction that the restart cut in two is tried again from its start', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await spawnServer(t, dataFolder);
    const firestore = client(t, first.address);
    const document = firestore.doc('c/a');
    await document.set({ n: 1 });
    let attempts = 0;
    await firestore.runTransaction(async transaction => {
      attempts += 1;
      const n: number = (await transaction.get(document)).get('n');
      if (attempts === 1) {
        await first.kill();
        await spawnServer(t, dataFolder, first.port);
      }
      transaction.update(document, { n: n + 1 });
    });
    assert.equal(attempts, 2);
    assert.equal((await document.get()).get('n'), 2);
  });

  test('nothing can be read from before the start', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await startFirestore({ dataFolder });
    const before = connect(first.address);
    const { writeTime: readTime } = await before.doc('c/a').set({ n: 1 });
    await before.doc('c/a').set({ n: 2 });
    await before.terminate();
    await first.close();

    const second = await startFirestore({ dataFolder });
    const raw = await RawClient.connect(second.address);
    const { seconds, nanoseconds: nanos } = readTime;
    const request = { database: DATABASE, documents: [`${ROOT}/c/a`], readTime: { seconds, nanos } };
    await assert.rejects(raw.collect('BatchGetDocuments', request), { code: status.FAILED_PRECONDITION });
    raw.close();
    await second.close();
  });

  test('a second stand-in on the same data, or the same port, does not start', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await spawnServer(t, dataFolder);
    await assert.rejects(startFirestore({ dataFolder }), /firestore\.sqlite: another process uses it/);
    const elsewhere = await temporaryFolder(t);
    await assert.rejects(startFirestore({ dataFolder: elsewhere, port: first.port }), /EADDRINUSE/);
    await first.kill();
    const second = await startFirestore({ dataFolder, port: first.port });
    await second.close();
  });
});
