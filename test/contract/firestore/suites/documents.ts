import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldPath, FieldValue, GeoPoint, Timestamp } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Suite } from '../backends.ts';
import { ROOT } from '../raw-client.ts';

interface ListPage {
  readonly documents: readonly object[];
  readonly nextPageToken?: string;
}

export const documents: Suite = backend => {
  test('every type of value comes back as it was', async () => {
    const document = backend.collection().doc('a');
    const data = {
      text: 'x',
      empty: '',
      integer: 7,
      large: Number.MAX_SAFE_INTEGER,
      double: 0.1,
      nan: Number.NaN,
      infinity: Infinity,
      yes: true,
      nothing: null,
      time: new Timestamp(1_700_000_000, 123_456_000),
      bytes: Buffer.from([0, 1, 255]),
      place: new GeoPoint(1, 2),
      list: [1, 'a', { k: 1 }],
      emptyList: [],
      map: { a: { b: 'c' } },
      emptyMap: {},
      vector: FieldValue.vector([1, 2, 3]),
    };
    await document.set({ ...data, reference: document });
    const { reference, ...rest } = (await document.get()).data() ?? {};
    assert.deepEqual(rest, data);
    assert.equal(reference.path, document.path);
  });

  test('a timestamp is rounded down to microseconds', async () => {
    const document = backend.collection().doc('a');
    await document.set({ time: new Timestamp(1, 123_456_789) });
    assert.deepEqual((await document.get()).get('time'), new Timestamp(1, 123_456_000));
  });

  test('of many that create one document, one does; the others get ALREADY_EXISTS', async () => {
    const document = backend.collection().doc('a');
    const joiners = Array.from({ length: 50 }, (_, by) => document.create({ by }));
    const outcomes = await Promise.allSettled(joiners);
    const winners = outcomes.flatMap((outcome, by) => (outcome.status === 'fulfilled' ? [by] : []));
    assert.equal(winners.length, 1);
    assert.deepEqual((await document.get()).data(), { by: winners[0] });
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal(outcome.reason.code, status.ALREADY_EXISTS);
    }
  });

  test('set replaces, merge adds, mergeFields picks, update changes', async () => {
    const document = backend.collection().doc('a');
    await document.set({ a: { b: 1, c: 2 }, z: 1 });
    await document.set({ a: { b: 3 } }, { merge: true });
    assert.deepEqual((await document.get()).data(), { a: { b: 3, c: 2 }, z: 1 });
    await document.set({ a: { q: 1 }, z: 5 }, { mergeFields: ['z'] });
    assert.deepEqual((await document.get()).data(), { a: { b: 3, c: 2 }, z: 5 });
    await document.update({ 'a.b': 9, z: FieldValue.delete() });
    await document.update(new FieldPath('x.y'), 5);
    assert.deepEqual((await document.get()).data(), { a: { b: 9, c: 2 }, 'x.y': 5 });
    await document.set({ only: 1 });
    assert.deepEqual((await document.get()).data(), { only: 1 });
  });

  test('update of what is not there is NOT_FOUND and creates nothing', async () => {
    const document = backend.collection().doc('a');
    await assert.rejects(document.update({ a: 1 }), { code: status.NOT_FOUND });
    assert.equal((await document.get()).exists, false);
  });

  test('a write with lastUpdateTime needs that very version', async () => {
    const document = backend.collection().doc('a');
    const first = await document.set({ a: 1 });
    const second = await document.update({ a: 2 }, { lastUpdateTime: first.writeTime });
    const stale = { lastUpdateTime: first.writeTime };
    await assert.rejects(document.update({ a: 3 }, stale), { code: status.FAILED_PRECONDITION });
    await assert.rejects(document.delete(stale), { code: status.FAILED_PRECONDITION });
    assert.equal((await document.get()).get('a'), 2);
    await document.delete({ lastUpdateTime: second.writeTime });
    await assert.rejects(document.delete(stale), { code: status.FAILED_PRECONDITION });
  });

  test('delete: of what is not there is fine, with exists it is NOT_FOUND', async () => {
    const document = backend.collection().doc('a');
    await document.delete();
    await assert.rejects(document.delete({ exists: true }), { code: status.NOT_FOUND });
    await document.set({});
    await document.delete({ exists: true });
    assert.equal((await document.get()).exists, false);
  });

  test('times: creation stays, updates and reads only ever grow', async () => {
    const document = backend.collection().doc('a');
    let newest = '';
    let created: Timestamp | undefined;
    for (let value = 0; value < 20; value += 1) {
      const { writeTime } = await document.set({ value });
      const read = await document.get();
      created ??= read.createTime;
      assert.deepEqual(read.createTime, created);
      assert.deepEqual(read.updateTime, writeTime);
      assert.ok(newest < writeTime.valueOf());
      assert.ok(writeTime.valueOf() <= read.readTime.valueOf());
      newest = read.readTime.valueOf();
    }
    await document.delete();
    await document.set({});
    assert.ok(newest < String((await document.get()).createTime?.valueOf()));
  });

  test('a write that changes nothing keeps the update time', async () => {
    const document = backend.collection().doc('a');
    const first = await document.set({ a: 1 });
    const second = await document.set({ a: 1 });
    assert.deepEqual(second.writeTime, first.writeTime);
    assert.deepEqual((await document.get()).updateTime, first.writeTime);
    const third = await document.set({ a: 1.5 });
    assert.ok(third.writeTime.valueOf() > first.writeTime.valueOf());
  });

  test('serverTimestamp is the same in all documents of a commit, near the commit, in milliseconds', async () => {
    const collection = backend.collection();
    const batch = backend.firestore.batch();
    batch.set(collection.doc('a'), { at: FieldValue.serverTimestamp() });
    batch.set(collection.doc('b'), { deep: { at: FieldValue.serverTimestamp() }, c: 1 });
    const [{ writeTime } = assert.fail()] = await batch.commit();
    const at: Timestamp = (await collection.doc('a').get()).get('at');
    assert.deepEqual((await collection.doc('b').get()).data(), { deep: { at }, c: 1 });
    assert.equal(at.nanoseconds % 1_000_000, 0);
    assert.ok(at.valueOf() <= writeTime.valueOf());
    assert.ok(writeTime.toMillis() - at.toMillis() < 5_000);
  });

  test('increment, maximum, minimum; on what is no number they start anew', async () => {
    const document = backend.collection().doc('a');
    const limits = { max: FieldValue.maximum(3), min: FieldValue.minimum(3) };
    await document.set({ sum: FieldValue.increment(2), ...limits });
    await document.update({
      sum: FieldValue.increment(0.5),
      max: FieldValue.maximum(2),
      min: FieldValue.minimum(2),
    });
    assert.deepEqual((await document.get()).data(), { sum: 2.5, max: 3, min: 2 });
    await document.set({ sum: 'text', m: { k: 1 } });
    await document.update({
      sum: FieldValue.increment(1),
      'm.k': FieldValue.increment(2),
      'm.j': FieldValue.increment(3),
    });
    assert.deepEqual((await document.get()).data(), { sum: 1, m: { k: 3, j: 3 } });
  });

  test('arrayUnion and arrayRemove', async () => {
    const document = backend.collection().doc('a');
    await document.set({ list: FieldValue.arrayUnion(1, 2, 1) });
    await document.update({ list: FieldValue.arrayUnion(2, 3) });
    assert.deepEqual((await document.get()).data(), { list: [1, 2, 3] });
    await document.update({ list: FieldValue.arrayRemove(1, 3) });
    assert.deepEqual((await document.get()).data(), { list: [2] });
  });

  test('a batch with one failing write writes nothing', async () => {
    const collection = backend.collection();
    await collection.doc('b').set({ old: true });
    const batch = backend.firestore.batch();
    batch.set(collection.doc('a'), {}).create(collection.doc('b'), {}).set(collection.doc('c'), {});
    await assert.rejects(batch.commit(), { code: status.ALREADY_EXISTS });
    const { docs } = await collection.get();
    assert.deepEqual(
      docs.map(document => [document.id, document.data()]),
      [['b', { old: true }]],
    );
  });

  test('the writes of a batch see each other and share one time', async () => {
    const collection = backend.collection();
    const batch = backend.firestore.batch();
    batch.set(collection.doc('a'), { n: 1 }).update(collection.doc('a'), { n: FieldValue.increment(1) });
    batch.set(collection.doc('b'), {});
    const times = (await batch.commit()).map(({ writeTime }) => writeTime.valueOf());
    assert.equal(new Set(times).size, 1);
    assert.deepEqual((await collection.doc('a').get()).data(), { n: 2 });
  });

  test('getAll answers for each document, and with a field mask only its fields', async () => {
    const collection = backend.collection();
    await collection.doc('a').set({ x: { y: 1, z: 2 }, w: 3 });
    const references = [collection.doc('a'), collection.doc('missing'), collection.doc('a')];
    const found = await backend.firestore.getAll(...references, { fieldMask: ['x.y'] });
    assert.deepEqual(
      found.map(snapshot => snapshot.data()),
      [{ x: { y: 1 } }, undefined, { x: { y: 1 } }],
    );
  });

  test('a bulk writer writes each document for itself', async () => {
    const collection = backend.collection();
    await collection.doc('taken').set({ old: true });
    const writer = backend.firestore.bulkWriter();
    writer.onWriteError(() => false);
    const creations = ['a', 'taken', 'b'].map(id => writer.create(collection.doc(id), {}));
    const outcomes = Promise.allSettled(creations);
    await writer.close();
    assert.deepEqual(
      (await outcomes).map(outcome => (outcome.status === 'rejected' ? outcome.reason.code : 'created')),
      ['created', status.ALREADY_EXISTS, 'created'],
    );
  });

  test('collections and documents are listed, also parents that are not there, page by page', async () => {
    const collection = backend.collection();
    const ids = Array.from({ length: 7 }, (_, index) => `d${index}`);
    await Promise.all(ids.map(id => collection.doc(id).set({ n: 1 })));
    await collection.doc('parent').collection('below').doc('x').set({});
    assert.deepEqual(
      (await collection.doc('parent').listCollections()).map(({ id }) => id),
      ['below'],
    );
    assert.deepEqual(
      (await collection.listDocuments()).map(({ id }) => id),
      [...ids, 'parent'],
    );
    assert.ok((await backend.firestore.listCollections()).some(({ id }) => id === collection.id));
    const request = { parent: ROOT, collectionId: collection.id, pageSize: 3 };
    const pages: number[] = [];
    for (let pageToken = ''; pages.length === 0 || pageToken !== '';) {
      const page = await backend.raw.call<ListPage>('ListDocuments', { ...request, pageToken });
      pages.push(page.documents.length);
      pageToken = page.nextPageToken ?? '';
    }
    assert.deepEqual(pages, [3, 3, 1]);
  });
};
