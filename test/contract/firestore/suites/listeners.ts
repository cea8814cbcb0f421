import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import type { DocumentReference, DocumentSnapshot, Query, QuerySnapshot } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Suite } from '../backends.ts';
import { Inbox } from '../inbox.ts';
import { DATABASE } from '../raw-client.ts';

function watch(t: TestContext, document: DocumentReference): Inbox<DocumentSnapshot> {
  const inbox = new Inbox<DocumentSnapshot>();
  t.after(document.onSnapshot(inbox.push, inbox.fail));
  return inbox;
}

function watchQuery(t: TestContext, query: Query): Inbox<QuerySnapshot> {
  const inbox = new Inbox<QuerySnapshot>();
  t.after(query.onSnapshot(inbox.push, inbox.fail));
  return inbox;
}

function changes(snapshot: QuerySnapshot): string[] {
  return snapshot.docChanges().map(({ type, doc }) => `${type} ${doc.id}`);
}

export const listeners: Suite = backend => {
  test('a document: missing, created, updated, deleted', async t => {
    const document = backend.collection().doc('a');
    const inbox = watch(t, document);
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
  });

  test('a document that is there is shown at once, and a write that changes nothing is not', async t => {
    const document = backend.collection().doc('a');
    await document.set({ n: 1 });
    const inbox = watch(t, document);
    assert.deepEqual((await inbox.next()).data(), { n: 1 });
    await document.set({ n: 1 });
    await document.set({ n: 2 });
    assert.deepEqual((await inbox.next()).data(), { n: 2 });
  });

  test('200 listeners on one document are all told', async t => {
    const document = backend.collection().doc('a');
    const inboxes = Array.from({ length: 200 }, () => watch(t, document));
    for (const inbox of inboxes) assert.equal((await inbox.next()).exists, false);
    await document.set({ n: 1 });
    for (const inbox of inboxes) assert.deepEqual((await inbox.next()).data(), { n: 1 });
  });

  test('each listener is told of its own document only', async t => {
    const collection = backend.collection();
    const documents = Array.from({ length: 20 }, (_, index) => collection.doc(`d${index}`));
    const inboxes = documents.map(document => watch(t, document));
    for (const inbox of inboxes) assert.equal((await inbox.next()).exists, false);
    await Promise.all(documents.map((document, index) => document.set({ index })));
    for (const [index, inbox] of inboxes.entries()) {
      assert.deepEqual((await inbox.next()).data(), { index });
      assert.equal(inbox.size, 0);
    }
  });

  test('a query: documents come, change and go', async t => {
    const collection = backend.collection();
    await collection.doc('a').set({ k: 1, v: 1 });
    const inbox = watchQuery(t, collection.where('k', '==', 1));
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
  });

  test('a limited query shows who moves up', async t => {
    const collection = backend.collection();
    await Promise.all([1, 2, 3].map(n => collection.doc(`d${n}`).set({ n })));
    const inbox = watchQuery(t, collection.orderBy('n').limit(2));
    assert.deepEqual(changes(await inbox.next()), ['added d1', 'added d2']);
    await collection.doc('d1').delete();
    assert.deepEqual(changes(await inbox.next()), ['removed d1', 'added d3']);
  });

  test('a batch is seen as one', async t => {
    const collection = backend.collection();
    const inbox = watchQuery(t, collection);
    assert.equal((await inbox.next()).size, 0);
    await backend.firestore.batch().set(collection.doc('a'), {}).set(collection.doc('b'), {}).commit();
    assert.deepEqual(changes(await inbox.next()), ['added a', 'added b']);
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
