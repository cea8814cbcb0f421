import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { openDocuments, type Documents } from '#core/google/documents.ts';
import { Cloud } from '#test/cloud.ts';

const schema = z.object({
  count: z.int(),
  note: z.string().optional(),
  writtenAt: z.number().optional(),
  inner: z
    .object({ seenAt: z.array(z.number()), list: z.array(z.object({ leftAt: z.number() })) })
    .optional(),
});
type Thing = z.infer<typeof schema>;

let cloud: Cloud;
let things: Documents<string, Thing>;
before(async () => {
  cloud = await Cloud.start();
  things = openDocuments(cloud.firestore.collection('things'), schema);
});
after(() => cloud[Symbol.asyncDispose]());

describe('documents', () => {
  test('are read as they were written, moments as timestamps between', async () => {
    const thing: Thing = { count: 1, writtenAt: 17, inner: { seenAt: [18, 19], list: [{ leftAt: 20 }] } };
    assert.ok(await things.writeIfUnchanged('kept', await things.read('kept'), thing));
    assert.deepEqual((await things.read('kept')).document, thing);
    const stored = (await cloud.firestore.collection('things').doc('kept').get()).data();
    assert.equal(stored?.['writtenAt'].toMillis(), 17);
    assert.equal(stored['inner'].seenAt[1].toMillis(), 19);
    assert.equal(stored['inner'].list[0].leftAt.toMillis(), 20);
  });

  test('are written whole: a field that is not there any more is gone', async () => {
    await things.writeIfUnchanged('whole', await things.read('whole'), { count: 1, note: 'a' });
    assert.ok(await things.writeIfUnchanged('whole', await things.read('whole'), { count: 2 }));
    assert.deepEqual((await things.read('whole')).document, { count: 2 });
    await things.change('whole', () => ({ next: { count: 3, note: 'b' }, result: undefined }));
    await things.change('whole', () => ({ next: { count: 4 }, result: undefined }));
    assert.deepEqual((await things.read('whole')).document, { count: 4 });
  });

  test('are not written over what was not seen: created, changed or deleted meanwhile', async () => {
    const nothing = await things.read('seen');
    assert.ok(await things.writeIfUnchanged('seen', nothing, { count: 1 }));
    assert.equal(await things.writeIfUnchanged('seen', nothing, { count: 2 }), false);
    const one = await things.read('seen');
    assert.ok(await things.writeIfUnchanged('seen', one, { count: 2 }));
    assert.equal(await things.writeIfUnchanged('seen', one, { count: 3 }), false);
    const later = await things.read('seen');
    await cloud.firestore.collection('things').doc('seen').delete();
    assert.equal(await things.writeIfUnchanged('seen', later, { count: 2 }), false);
  });

  test('an error that is no lost race is thrown', async () => {
    const seen = await things.read('kept');
    const tooLarge = { count: 1, note: 'x'.repeat(2 << 20) };
    await assert.rejects(things.writeIfUnchanged('kept', seen, tooLarge));
  });

  test('are changed in one step each, however many change them', async () => {
    await Promise.all(
      Array.from({ length: 10 }, () =>
        things.change('counted', document => ({ next: { count: (document?.count ?? 0) + 1 }, result: 0 })),
      ),
    );
    assert.equal((await things.read('counted')).document?.count, 10);
  });

  test('stay as they are where nothing is to follow', async () => {
    await things.writeIfUnchanged('still', await things.read('still'), { count: 1 });
    const earlier = await things.read('still');
    const result = await things.change('still', document => ({ next: undefined, result: document?.count }));
    assert.equal(result, 1);
    const later = await things.read('still');
    assert.ok(earlier.version !== undefined && later.version?.isEqual(earlier.version));
  });

  test('that this code does not know are an error', async () => {
    await cloud.firestore.collection('things').doc('strange').set({ from: 'the future' });
    await assert.rejects(things.read('strange'), /count/);
  });
});
