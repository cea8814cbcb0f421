import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { FieldPath, Timestamp, type CollectionReference, type Query } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Suite } from '../backends.ts';
import { ROOT } from '../raw-client.ts';

async function ids(query: Query): Promise<string> {
  return (await query.get()).docs.map(({ id }) => id).join(' ');
}

export const queries: Suite = backend => {
  let numbers: CollectionReference;
  before(async () => {
    numbers = backend.collection();
    const batch = backend.firestore.batch();
    for (let i = 0; i < 10; i += 1) {
      batch.set(numbers.doc(`d${i}`), { i, even: i % 2 === 0, tags: [`t${i % 3}`], map: { k: i } });
    }
    await batch.commit();
  });

  test('= < <= > >= in array-contains', async () => {
    assert.equal(await ids(numbers.where('even', '==', true)), 'd0 d2 d4 d6 d8');
    assert.equal(await ids(numbers.where('i', '<', 2)), 'd0 d1');
    assert.equal(await ids(numbers.where('i', '<=', 2)), 'd0 d1 d2');
    assert.equal(await ids(numbers.where('i', '>', 7)), 'd8 d9');
    assert.equal(await ids(numbers.where('i', '>=', 8)), 'd8 d9');
    assert.equal(await ids(numbers.where('i', 'in', [5, 1, 20])), 'd1 d5');
    assert.equal(await ids(numbers.where('tags', 'array-contains', 't2')), 'd2 d5 d8');
    assert.equal(await ids(numbers.where('map.k', '==', 4)), 'd4');
    assert.equal(await ids(numbers.where('even', '==', true).where('i', '>', 3).where('i', '<', 8)), 'd4 d6');
  });

  test('orderBy, limit, offset, limitToLast', async () => {
    assert.equal(await ids(numbers.orderBy('i', 'desc').limit(3)), 'd9 d8 d7');
    assert.equal(await ids(numbers.orderBy('i').offset(7)), 'd7 d8 d9');
    assert.equal(await ids(numbers.orderBy('i').limitToLast(2)), 'd8 d9');
    assert.equal(await ids(numbers.orderBy('even').orderBy('i', 'desc').limit(2)), 'd9 d7');
    assert.equal(await ids(numbers.where('i', '<', 5).orderBy('i', 'desc')), 'd4 d3 d2 d1 d0');
  });

  test('cursors, by values and by document', async () => {
    assert.equal(await ids(numbers.orderBy('i').startAfter(7)), 'd8 d9');
    assert.equal(await ids(numbers.orderBy('i').startAt(2).endBefore(4)), 'd2 d3');
    assert.equal(await ids(numbers.orderBy('i').startAt(2).endAt(4)), 'd2 d3 d4');
    const sixth = await numbers.doc('d6').get();
    assert.equal(await ids(numbers.orderBy('even').startAfter(sixth).limit(2)), 'd8');
    assert.equal(await ids(numbers.orderBy('i', 'desc').startAfter(sixth).limit(2)), 'd5 d4');
  });

  test('by document id', async () => {
    const id = FieldPath.documentId();
    assert.equal(await ids(numbers.orderBy(id).startAfter('d7')), 'd8 d9');
    assert.equal(await ids(numbers.where(id, 'in', ['d3', 'd1'])), 'd1 d3');
    assert.equal(await ids(numbers.where(id, '>=', 'd8')), 'd8 d9');
    assert.equal(await ids(numbers.where('even', '==', true).orderBy(id, 'desc').limit(1)), 'd8');
  });

  test('a collection cannot be gone through backwards', async () => {
    const orderBy = [{ field: { fieldPath: '__name__' }, direction: 'DESCENDING' }];
    const structuredQuery = { from: [{ collectionId: numbers.id }], orderBy };
    // Without the client library, which spends seconds on trying again.
    await assert.rejects(backend.raw.collect('RunQuery', { parent: ROOT, structuredQuery }), {
      code: status.FAILED_PRECONDITION,
    });
  });

  test('a document without the field that sorts is not found; ids are sorted by their bytes', async () => {
    const collection = backend.collection();
    await Promise.all(
      ['b', 'a', 'é', 'Z', '10', '9', '\u{1F600}', '\uffee'].map(id => collection.doc(id).set({ [id]: 1 })),
    );
    assert.equal(await ids(collection), '10 9 Z a b é \uffee \u{1F600}');
    assert.equal(await ids(collection.orderBy('b')), 'b');
  });

  test('values of different types have one order, and ranges stay within a type', async () => {
    const collection = backend.collection();
    const values = [
      null,
      false,
      Number.NaN,
      -1,
      0.5,
      2n ** 53n,
      new Timestamp(1, 0),
      's',
      Buffer.from('b'),
      [1],
      { a: 1 },
    ];
    await Promise.all(
      values.map((v, index) => collection.doc(`d${String(index).padStart(2, '0')}`).set({ v })),
    );
    const inOrder = values.map((_, index) => `d${String(index).padStart(2, '0')}`).join(' ');
    assert.equal(await ids(collection.orderBy('v')), inOrder);
    assert.equal(await ids(collection.where('v', '>', 0)), 'd04 d05');
    assert.equal(await ids(collection.where('v', '==', null)), 'd00');
    assert.equal(await ids(collection.where('v', '==', Number.NaN)), 'd02');
  });

  test('select sends only the fields asked for', async () => {
    const [first] = (await numbers.select('map.k', 'even').limit(1).get()).docs;
    assert.deepEqual(first?.data(), { even: true, map: { k: 0 } });
    const [bare] = (await numbers.select().limit(1).get()).docs;
    assert.deepEqual(bare?.data(), {});
  });

  test('count, also of a filtered and limited query', async () => {
    const count = async (query: Query): Promise<number> => (await query.count().get()).data().count;
    assert.equal(await count(numbers), 10);
    assert.equal(await count(numbers.where('i', '>', 3)), 6);
    assert.equal(await count(numbers.where('i', '>', 3).limit(4)), 4);
    assert.equal(await count(backend.collection()), 0);
  });

  test('results stream, and only of this very collection', async () => {
    await numbers.doc('d0').collection('below').doc('x').set({ i: 100 });
    const streamed: string[] = [];
    for await (const document of numbers.where('i', '>', 8).stream()) {
      streamed.push((document as unknown as { id: string }).id);
    }
    assert.deepEqual(streamed, ['d9']);
    assert.equal(await ids(numbers.doc('d0').collection('below')), 'x');
  });
};
