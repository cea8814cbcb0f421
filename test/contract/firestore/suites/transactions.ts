import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DocumentReference, Transaction } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Suite } from '../backends.ts';
import { DATABASE, freshCollection, ROOT } from '../raw-client.ts';

const PERSISTENT = { maxAttempts: 30 };

/** Opens when `count` callers have come; each caller passes it once, so that retries do not wait. */
function meetingPoint(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let came = 0;
  return () => {
    came += 1;
    if (came >= count) resolve();
    return promise;
  };
}

async function increment(transaction: Transaction, document: DocumentReference): Promise<void> {
  const n: number = (await transaction.get(document)).get('n');
  transaction.update(document, { n: n + 1 });
}

export const transactions: Suite = backend => {
  test('read, compute, write', async () => {
    const document = backend.collection().doc('a');
    await document.set({ n: 1 });
    await backend.firestore.runTransaction(transaction => increment(transaction, document));
    assert.equal((await document.get()).get('n'), 2);
  });

  test('two that read the same number before either writes do not lose an increment', async () => {
    const document = backend.collection().doc('a');
    await document.set({ n: 0 });
    const meet = meetingPoint(2);
    const race = (): Promise<void> =>
      backend.firestore.runTransaction(async transaction => {
        const n: number = (await transaction.get(document)).get('n');
        await meet();
        transaction.update(document, { n: n + 1 });
      }, PERSISTENT);
    await Promise.all([race(), race()]);
    assert.equal((await document.get()).get('n'), 2);
  });

  test('racing increments add up', async () => {
    const document = backend.collection().doc('a');
    await document.set({ n: 0 });
    const races = Array.from({ length: 5 }, () =>
      backend.firestore.runTransaction(transaction => increment(transaction, document), PERSISTENT),
    );
    await Promise.all(races);
    assert.equal((await document.get()).get('n'), 5);
  });

  test('of many that find nothing and create it, one does', async () => {
    const document = backend.collection().doc('a');
    const claims = Array.from({ length: 8 }, (_, by) =>
      backend.firestore.runTransaction(async transaction => {
        if ((await transaction.get(document)).exists) return 'late';
        transaction.create(document, { by });
        return 'first';
      }, PERSISTENT),
    );
    assert.deepEqual((await Promise.all(claims)).filter(outcome => outcome === 'first').length, 1);
  });

  test('no write skew: each checks both documents and changes one', async () => {
    const collection = backend.collection();
    const [a, b] = [collection.doc('a'), collection.doc('b')];
    await Promise.all([a.set({ on: true }), b.set({ on: true })]);
    const meet = meetingPoint(2);
    const switchOff = (mine: DocumentReference): Promise<void> =>
      backend.firestore.runTransaction(async transaction => {
        const both = await transaction.getAll(a, b);
        await meet();
        if (both.every(document => document.get('on'))) transaction.update(mine, { on: false });
      }, PERSISTENT);
    await Promise.all([switchOff(a), switchOff(b)]);
    const after = await backend.firestore.getAll(a, b);
    assert.equal(after.filter(document => document.get('on')).length, 1);
  });

  test('no phantoms: each counts what a query finds and adds one', async () => {
    const collection = backend.collection();
    const found = collection.where('kind', '==', 'x');
    const meet = meetingPoint(2);
    const addSecondAtMost = (id: string): Promise<void> =>
      backend.firestore.runTransaction(async transaction => {
        const { size } = await transaction.get(found);
        await meet();
        if (size === 0) transaction.create(collection.doc(id), { kind: 'x' });
      }, PERSISTENT);
    await Promise.all([addSecondAtMost('a'), addSecondAtMost('b')]);
    assert.equal((await found.get()).size, 1);
  });

  test('a count in a transaction is protected as well', async () => {
    const collection = backend.collection();
    const meet = meetingPoint(2);
    const addFirst = (id: string): Promise<void> =>
      backend.firestore.runTransaction(async transaction => {
        const { count } = (await transaction.get(collection.count())).data();
        await meet();
        if (count === 0) transaction.create(collection.doc(id), {});
      }, PERSISTENT);
    await Promise.all([addFirst('a'), addFirst('b')]);
    assert.equal((await collection.get()).size, 1);
  });

  test('a write from outside is not lost', { skip: backend.differsIn('outside writes') }, async () => {
    const document = backend.collection().doc('a');
    await document.set({ n: 0 });
    let attempts = 0;
    await backend.firestore.runTransaction(async transaction => {
      attempts += 1;
      const n: number = (await transaction.get(document)).get('n');
      if (attempts === 1) await document.update({ n: 100 });
      transaction.update(document, { n: n + 1 });
    });
    assert.equal((await document.get()).get('n'), 101);
    assert.equal(attempts, 2);
  });

  test('all reads are of one state', { skip: backend.differsIn('outside writes') }, async () => {
    const collection = backend.collection();
    const [a, b] = [collection.doc('a'), collection.doc('b')];
    await Promise.all([a.set({ n: 0 }), b.set({ n: 0 })]);
    const seen: unknown[][] = [];
    await backend.firestore.runTransaction(async transaction => {
      const first: unknown = (await transaction.get(a)).get('n');
      if (seen.length === 0) await backend.firestore.batch().set(a, { n: 1 }).set(b, { n: 1 }).commit();
      const second: unknown = (await transaction.get(b)).get('n');
      seen.push([first, second]);
    });
    assert.deepEqual(seen, [
      [0, 0],
      [1, 1],
    ]);
  });

  test('what throws writes nothing', async () => {
    const document = backend.collection().doc('a');
    const broken = backend.firestore.runTransaction(async transaction => {
      await transaction.get(document);
      transaction.set(document, {});
      throw new Error('changed its mind');
    });
    await assert.rejects(broken, /changed its mind/);
    assert.equal((await document.get()).exists, false);
  });

  test('one failing write, and nothing of the transaction is written', async () => {
    const collection = backend.collection();
    await collection.doc('b').set({});
    const failing = backend.firestore.runTransaction(async transaction => {
      await transaction.get(collection.doc('a'));
      transaction.set(collection.doc('a'), {}).create(collection.doc('b'), {});
    });
    await assert.rejects(failing, { code: status.ALREADY_EXISTS });
    assert.equal((await collection.doc('a').get()).exists, false);
  });

  test('a read-only transaction sees one state, whatever happens meanwhile', async () => {
    const collection = backend.collection();
    await collection.doc('a').set({ n: 1 });
    const seen = await backend.firestore.runTransaction(
      async transaction => {
        const first = await transaction.get(collection.doc('a'));
        await collection.doc('a').set({ n: 2 });
        await collection.doc('b').set({ n: 2 });
        const again = await transaction.get(collection.doc('a'));
        const all = await transaction.get(collection);
        return [first.get('n'), again.get('n'), all.size];
      },
      { readOnly: true },
    );
    assert.deepEqual(seen, [1, 1, 1]);
    assert.equal((await collection.get()).size, 2);
  });

  test('reading at a time shows what was there then, also what is deleted now', async () => {
    const document = backend.collection().doc('a');
    const { writeTime: first } = await document.set({ n: 1 });
    await document.set({ n: 2 });
    await document.delete();
    const at = { readOnly: true, readTime: first } as const;
    const then = await backend.firestore.runTransaction(transaction => transaction.get(document), at);
    assert.equal(then.get('n'), 1);
    assert.deepEqual(then.readTime, first);
  });

  const begin = async (options: object = {}): Promise<Buffer> => {
    const request = { database: DATABASE, options };
    const { transaction } = await backend.raw.call<{ transaction: Buffer }>('BeginTransaction', request);
    return transaction;
  };
  const commit = (transaction: Buffer, ...writes: object[]): Promise<unknown> =>
    backend.raw.call('Commit', { database: DATABASE, transaction, writes });
  const rollback = (transaction: Buffer): Promise<unknown> =>
    backend.raw.call('Rollback', { database: DATABASE, transaction });
  const invalid = { code: status.INVALID_ARGUMENT };

  test('a transaction ends with its commit or its rollback', async () => {
    const [committed, rolledBack] = [await begin(), await begin()];
    await commit(committed);
    await rollback(rolledBack);
    for (const ended of [committed, rolledBack, Buffer.from('of an earlier process')]) {
      await assert.rejects(commit(ended), invalid);
      const read = { database: DATABASE, transaction: ended, documents: [`${ROOT}/c/d`] };
      await assert.rejects(backend.raw.collect('BatchGetDocuments', read), invalid);
    }
  });

  test('a read-only transaction cannot write', async () => {
    const transaction = await begin({ readOnly: {} });
    const write = { update: { name: `${ROOT}/${freshCollection()}/a`, fields: {} } };
    await assert.rejects(commit(transaction, write), invalid);
  });

  test('nothing can be read in the future', async () => {
    const readTime = { seconds: Math.ceil(Date.now() / 1000) + 60 };
    const request = { database: DATABASE, readTime, documents: [`${ROOT}/c/d`] };
    await assert.rejects(backend.raw.collect('BatchGetDocuments', request), invalid);
  });

  test('times that are too long ago are refused', { skip: backend.differsIn('old snapshots') }, async () => {
    const readTime = { seconds: Math.floor(Date.now() / 1000) - 2 * 60 * 60 };
    const request = { database: DATABASE, readTime, documents: [`${ROOT}/c/d`] };
    await assert.rejects(backend.raw.collect('BatchGetDocuments', request), {
      code: status.FAILED_PRECONDITION,
    });
  });

  test('a second rollback is refused', { skip: backend.differsIn('rolled back transactions') }, async () => {
    const transaction = await begin();
    await rollback(transaction);
    await assert.rejects(rollback(transaction), invalid);
  });
};
