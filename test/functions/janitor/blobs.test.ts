// T7 and T8: what is collected beside workers that publish, and by janitors that are killed. Invariant: the blobs of every
// manifest that there is are there.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FieldValue } from '@google-cloud/firestore';
import { digestOf, type Digest } from '#core/digest.ts';
import { blobName, openBucketContents, type BucketContents } from '#core/google/bucket-contents.ts';
import { BUCKET, PROJECT } from '#test/cloud.ts';
import { actedBeside, deletingBeside } from './interleaved.ts';
import { DAY_MS, Yard } from './yard.ts';

let yard: Yard;
let contents: BucketContents;
before(async () => {
  yard = await Yard.open();
  contents = openBucketContents(PROJECT, BUCKET);
});
beforeEach(() => yard.clear());
after(() => yard[Symbol.asyncDispose]());

/** A blob that nothing names, marked, and due to be condemned. */
async function overdue(text: string): Promise<Digest> {
  const digest = await yard.storeBlob(text);
  yard.later(8 * DAY_MS);
  assert.deepEqual(await yard.collect(['manifest-blobs', 'blobs']), { blobs: { marked: 1 } });
  yard.later(2 * DAY_MS);
  return digest;
}

async function stageOf(digest: Digest): Promise<string> {
  const { document } = await yard.blobs.see(digest);
  return document === undefined ? 'gone' : (document.tombstone?.stage ?? 'live');
}

describe('T7: a blob', () => {
  test('that is not due is left alone, be it marked or not', async () => {
    const digest = await yard.storeBlob('young');
    yard.later(6 * DAY_MS);
    assert.deepEqual(await yard.collect(), {});
    yard.later(2 * DAY_MS);
    assert.deepEqual(await yard.collect(), { blobs: { marked: 1 } });
    assert.deepEqual(await yard.collect(), {}, 'the mark is not placed anew, and not over');
    assert.equal(await stageOf(digest), 'liftable');
  });

  test('that a manifest names by the time of its tombstone is not condemned', async () => {
    const digest = await overdue('taken up');
    const manifest = yard.cloud.firestore.collection('manifests').doc(digestOf('late'));
    await manifest.set({
      mediaType: 'm',
      bytes: Buffer.from('late'),
      blobs: [digest],
      usedAt: FieldValue.serverTimestamp(),
    });
    assert.deepEqual(await yard.collect(['tombstones', 'condemned']), { tombstones: { named: 1 } });
    assert.equal(await stageOf(digest), 'live');
    assert.equal((await yard.cloud.firestore.collection('layers').get()).size, 1, 'its fact stands');
  });

  for (const [name, sweep, prepare] of [
    ['marked', 'blobs', (text: string) => yard.storeBlob(text)],
    ['condemned', 'tombstones', overdue],
  ] as const) {
    test(`that a manifest begins to name while it is ${name} is not`, async () => {
      const digest = await prepare(`beside ${name}`);
      await yard.collect(['manifest-blobs']);
      yard.later(8 * DAY_MS);
      const manifest = yard.cloud.firestore.collection('manifests').doc(digestOf(name));
      const publish = () =>
        manifest.create({
          mediaType: 'm',
          bytes: Buffer.from(name),
          blobs: [digest],
          usedAt: FieldValue.serverTimestamp(),
        });
      const firestore = actedBeside(yard.cloud.firestore, publish);
      assert.deepEqual(await yard.collect([sweep], { firestore }), { [sweep]: { named: 1 } });
      assert.equal(await stageOf(digest), 'live');
    });
  }

  test('that a worker publishes while it is condemned is served on', async () => {
    const digest = await overdue('published');
    // As a worker that stores it again, and finds it there.
    await yard.storeBlob('published');
    const firestore = actedBeside(yard.cloud.firestore, () => yard.publish([digest]));
    await yard.collect(['tombstones', 'condemned'], { firestore });
    assert.equal(await stageOf(digest), 'live');
    assert.ok(await yard.hasObject(digest));
  });

  test('loses its facts as it is condemned, and a fact that is recorded meanwhile', async () => {
    const digest = await overdue('facts');
    const layers = yard.cloud.firestore.collection('layers');
    const record = () =>
      layers.doc('f'.repeat(64)).create({ digest, diffId: digest, size: 5, narHashes: [] });
    await yard.collect(['tombstones'], { firestore: actedBeside(yard.cloud.firestore, record) });
    assert.equal(await stageOf(digest), 'final');
    assert.ok((await layers.get()).empty);
  });

  for (const [moment, what] of [
    ['before', 'keeps its new object'],
    ['after', 'keeps its document'],
  ] as const) {
    test(`that is written anew ${moment} its object is deleted ${what}`, async () => {
      const digest = await overdue(moment);
      const write = async () => {
        const seen = await yard.blobs.see(digest);
        await yard.rawBucket.file(blobName(digest)).save(moment, { resumable: false });
        const written = await contents.look(blobName(digest));
        assert.ok(written);
        assert.equal(await yard.blobs.recordFound(digest, written, seen), true);
      };
      const bucket = deletingBeside(contents, { [moment]: write });
      await yard.collect(['tombstones', 'condemned'], { bucket });
      assert.equal(await stageOf(digest), 'live');
      assert.ok(await yard.hasObject(digest));
    });
  }

  test('that was condemned by a janitor which was killed goes with the next one', async () => {
    const kill = () => Promise.reject(new Error('killed'));
    for (const moment of ['before', 'after'] as const) {
      const digest = await overdue(`killed ${moment}`);
      const bucket = deletingBeside(contents, { [moment]: kill });
      await yard.collect(['tombstones', 'condemned'], { bucket });
      assert.equal(await stageOf(digest), 'final');
      assert.equal(await yard.blobs.read(digest), undefined, 'it is not served');
      assert.equal(await yard.hasObject(digest), moment === 'before');
      assert.deepEqual(await yard.collect(['condemned']), { condemned: { deleted: 1 } });
      assert.equal(await stageOf(digest), 'gone');
      assert.equal(await yard.hasObject(digest), false);
    }
  });

  test('is collected by two janitors at once as by one', async () => {
    const digest = await overdue('two');
    yard.later(2 * DAY_MS);
    await Promise.all([yard.collect(), yard.collect()]);
    await yard.collect();
    assert.equal(await stageOf(digest), 'gone');
    assert.equal(await yard.hasObject(digest), false);
  });
});

describe('manifests without a list of their blobs', () => {
  test('get one first, and keep their blobs', async () => {
    const digest = await yard.storeBlob('of before');
    const { manifest } = await yard.publish([digest]);
    const stored = yard.cloud.firestore.collection('manifests').doc(manifest.digest);
    const { mediaType, bytes } = manifest;
    await stored.set({ mediaType, bytes, usedAt: FieldValue.serverTimestamp() });
    yard.later(8 * DAY_MS);
    assert.deepEqual(await yard.collect(), { 'manifest-blobs': { listed: 1 }, blobs: { named: 1 } });
    assert.deepEqual((await stored.get()).get('blobs'), [digest]);
  });

  test('that cannot be read keep all blobs, and are told', async () => {
    await yard.storeBlob('of whom?');
    const strange = yard.cloud.firestore.collection('manifests').doc(digestOf('strange'));
    await strange.set({
      mediaType: 'm',
      bytes: Buffer.from('no manifest'),
      usedAt: FieldValue.serverTimestamp(),
    });
    yard.later(8 * DAY_MS);
    assert.deepEqual(await yard.collect(), { 'manifest-blobs': { unknown: 1 } });
    assert.equal(await stageOf(digestOf('of whom?')), 'live');
    const told = yard.log.lines.filter(({ message }) => /left alone/.test(String(message)));
    assert.equal(told.at(-1)?.['subject'], strange.id);
    await strange.delete();
    assert.deepEqual(await yard.collect(), { blobs: { marked: 1 } });
  });
});

test('facts about layers go whose blob is gone', async () => {
  const [kept, gone] = [await yard.storeBlob('kept'), await yard.storeBlob('gone')];
  await yard.cloud.firestore.collection('blobs').doc(gone).delete();
  const layers = yard.cloud.firestore.collection('layers');
  await layers.doc('strange').set({ digest: 'sha1' });
  assert.deepEqual(await yard.collect(['layer facts']), { 'layer facts': { deleted: 1, unknown: 1 } });
  const left = (await layers.get()).docs.map(fact => fact.get('digest') as unknown);
  assert.deepEqual(new Set(left), new Set([kept, 'sha1']));

  // One whose blob is stored again at this moment stays.
  await yard.cloud.firestore.collection('blobs').doc(kept).delete();
  const firestore = actedBeside(yard.cloud.firestore, () => yard.storeBlob('kept'));
  assert.deepEqual(await yard.collect(['layer facts'], { firestore }), { 'layer facts': { unknown: 1 } });
});
