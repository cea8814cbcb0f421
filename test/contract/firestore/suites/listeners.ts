import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { DocumentReference, DocumentSnapshot, Query, QuerySnapshot } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Suite } from '../backends.ts';
import { Inbox } from '../inbox.ts';
import { DATABASE } from '../raw-client.ts';

function watch(document: DocumentReference): { inbox: Inbox<DocumentSnapshot>; stop: () => void } {
  const inbox = new Inbox<DocumentSnapshot>();
  return { inbox, stop: document.onSnapshot(inbox.push, inbox.fail) };
}

function watchQuery(query: Query): { inbox: Inbox<QuerySnapshot>; stop: () => void } {
  const inbox = new Inbox<QuerySnapshot>();
  return { inbox, stop: query.onSnapshot(inbox.push, inbox.fail) };
}

function changes(snapshot: QuerySnapshot): string[] {
  return snapshot.docChanges().map(({ type, doc }) => `${type} ${doc.id}`);
}

export const listeners: Suite = backend => {
  test('a document: missing, created, updated, deleted', async () => {
    const document = backend.collection().doc('a');
    const { inbox, stop } = watch(document);
    assert.equal((await inbox.next()).exists, false);
    const created = await document.create({ n: 1 });
    const first = await inbox.next();
    assert.deepEqual(first.data(), { n: 1 });
    assert.deepEqual(first.updateTime, created.writeTime);
    assert.ok(first.readTime.valueOf() >= created.writeTime.valueOf());
    await document.update({ n: 2 });
    assert.deepEqual((await inbox.next()).data(), { n: 2 });
    await document.delete();
    assert.equal((await inbox.next()).exists, false);
    stop();
  });

  test('a document that is there is shown at once, and a write that changes nothing is not', async () => {
    const document = backend.collection().doc('a');
    await document.set({ n: 1 });
    const { inbox, stop } = watch(document);
    assert.deepEqual((await inbox.next()).data(), { n: 1 });
    await document.set({ n: 1 });
    await document.set({ n: 2 });
    assert.deepEqual((await inbox.next()).data(), { n: 2 });
    stop();
  });

  test('200 listeners on one document are all told', async () => {
    const document = backend.collection().doc('a');
    const watches = Array.from({ length: 200 }, () => watch(document));
    for (const { inbox } of watches) assert.equal((await inbox.next()).exists, false);
    await document.set({ n: 1 });
    for (const { inbox } of watches) assert.deepEqual((await inbox.next()).data(), { n: 1 });
    for (const { stop } of watches) stop();
  });

  test('each listener is told of its own document only', async () => {
    const collection = backend.collection();
    const watches = Array.from({ length: 20 }, (_, index) => ({
      index,
      ...watch(collection.doc(`d${index}`)),
    }));
    for (const { inbox } of watches) assert.equal((await inbox.next()).exists, false);
    await Promise.all(watches.map(({ index }) => collection.doc(`d${index}`).set({ index })));
    for (const { index, inbox, stop } of watches) {
      assert.deepEqual((await inbox.next()).data(), { index });
      stop();
      assert.equal(inbox.size, 0);
    }
  });

  test('a query: documents come, change and go', async () => {
    const collection = backend.collection();
    await collection.doc('a').set({ k: 1, v: 1 });
    const { inbox, stop } = watchQuery(collection.where('k', '==', 1));
    assert.deepEqual(changes(await inbox.next()), ['added a']);
    await collection.doc('other').set({ k: 2 });
    await collection.doc('b').set({ k: 1, v: 1 });
    assert.deepEqual(changes(await inbox.next()), ['added b']);
    await collection.doc('a').update({ v: 2 });
    assert.deepEqual(changes(await inbox.next()), ['modified a']);
    await collection.doc('a').update({ k: 3 });
    assert.deepEqual(changes(await inbox.next()), ['removed a']);
    await collection.doc('b').delete();
    assert.deepEqual(changes(await inbox.next()), ['removed b']);
    stop();
  });

  test('a limited query shows who moves up', async () => {
    const collection = backend.collection();
    await Promise.all([1, 2, 3].map(n => collection.doc(`d${n}`).set({ n })));
    const { inbox, stop } = watchQuery(collection.orderBy('n').limit(2));
    assert.deepEqual(changes(await inbox.next()), ['added d1', 'added d2']);
    await collection.doc('d1').delete();
    assert.deepEqual(changes(await inbox.next()), ['removed d1', 'added d3']);
    stop();
  });

  test('a batch is seen as one', async () => {
    const collection = backend.collection();
    const { inbox, stop } = watchQuery(collection);
    assert.equal((await inbox.next()).size, 0);
    await backend.firestore.batch().set(collection.doc('a'), {}).set(collection.doc('b'), {}).commit();
    assert.deepEqual(changes(await inbox.next()), ['added a', 'added b']);
    stop();
  });

  test('a target that cannot be served is removed with the reason', async () => {
    const inbox = new Inbox<ListenAnswer>();
    const stream = backend.raw.open('Listen').on('data', inbox.push);
    stream.write({ database: DATABASE, addTarget: { targetId: 5, documents: { documents: ['a/b'] } } });
    const { targetChange } = await inbox.until(answer => answer.targetChange?.targetChangeType === 'REMOVE');
    assert.deepEqual(targetChange?.targetIds, [5]);
    assert.equal(targetChange?.cause?.code, status.INVALID_ARGUMENT);
    stream.end();
    await once(stream, 'end');
  });
};

interface ListenAnswer {
  readonly targetChange?: {
    readonly targetChangeType?: string;
    readonly targetIds: readonly number[];
    readonly cause?: { readonly code: number };
  };
}
