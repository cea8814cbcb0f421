// Images, manifests, sources and snapshots that nobody used: what goes, what stays, and who may be faster.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FieldValue } from '@google-cloud/firestore';
import { isImageUnused } from '#core/expiry.ts';
import { EVERY_REF } from '#core/git-ref.ts';
import { openSnapshots } from '#core/google/snapshots.ts';
import { EMPTY_SNAPSHOT } from '#core/layer-snapshot.ts';
import { sourceKey } from '#core/source-document.ts';
import { BUCKET, claimant, PROJECT } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { actedBeside } from './interleaved.ts';
import { DAY_MS, RETENTION, Yard } from './yard.ts';

let yard: Yard;
before(async () => void (yard = await Yard.open()));
beforeEach(() => yard.clear());
after(() => yard[Symbol.asyncDispose]());

const documents = (collection: string) => yard.cloud.firestore.collection(collection);

describe('an image', () => {
  test('goes that nobody had made or pulled for so long, and no other', async () => {
    const { images } = yard.cloud;
    const blob = await yard.storeBlob('blob');
    const unused = await yard.publish([blob]);
    const pulled = await yard.publish([blob]);
    const prebuilt = await yard.cloud.newQueued('refresh');
    await yard.publish([blob], prebuilt);
    const failed = await yard.cloud.newQueued();
    await images.claim(failed.key, claimant('worker'));
    await images.fail(failed.key, 'worker', { kind: 'refused', message: 'no' }, 'r1');
    const forgotten = await yard.cloud.newQueued();
    const building = await yard.cloud.newQueued();
    await images.claim(building.key, claimant('at work'));
    const abandoned = await yard.cloud.newQueued();
    await images.claim(abandoned.key, claimant('vanished'));
    await documents('images').doc(pulled.key).update({ recentUses: 1 });

    yard.later(20 * DAY_MS);
    await images.renew(building.key, 'at work', { name: 'resolving' });
    await documents('images').doc(pulled.key).update({ usedAt: FieldValue.serverTimestamp() });
    await documents('images')
      .doc('strange')
      .set({ current: { builtAt: new Date(0) } });
    yard.later(11 * DAY_MS);
    assert.deepEqual(await yard.collect(['images']), { images: { deleted: 5, unknown: 1 } });
    for (const { key } of [unused, prebuilt, failed, forgotten, abandoned])
      assert.equal(await yard.exists('images', key), false);
    for (const { key } of [pulled, building]) assert.ok(await yard.exists('images', key));
  });

  test('stays that is asked for at that moment', async () => {
    const image = await yard.publish([await yard.storeBlob('asked for')]);
    yard.later(31 * DAY_MS);
    const { images } = yard.cloud;
    const raise = async () => {
      const asked = { by: 'refresh', settings: SETTINGS } as const;
      await images.queue(image.key, image.request, asked, await images.read(image.key));
    };
    const firestore = actedBeside(yard.cloud.firestore, raise);
    assert.deepEqual(await yard.collect(['images'], { firestore }), {});
    assert.ok((await images.read(image.key)).document?.current);
  });

  test('is unused only when all that happened to it is long ago', async () => {
    const { key } = await yard.publish([await yard.storeBlob('moments')]);
    const { document, readTime } = await yard.cloud.images.read(key);
    assert.ok(document?.current);
    const { keepMs } = RETENTION;
    const now = readTime + 2 * keepMs;
    const recently = now - keepMs + 1;
    const { current } = document;
    assert.equal(isImageUnused(document, now, keepMs), true);
    for (const change of [
      { usedAt: recently },
      { current: { ...current, builtAt: recently } },
      { build: { state: 'queued', by: 'pull', attempts: 0, queuedAt: recently } },
      { build: { state: 'failed', failure: { kind: 'refused', message: '' }, failedAt: recently } },
      { build: { state: 'waiting', by: 'pull', attempts: 0, parkedAt: recently } },
    ] as const) {
      assert.equal(isImageUnused({ ...document, ...change }, now, keepMs), false, JSON.stringify(change));
    }
  });
});

describe('T7: a manifest', () => {
  /** One that nobody used for a month, and whose image is gone. */
  async function unusedManifest(text: string) {
    const image = await yard.publish([await yard.storeBlob(text)]);
    yard.later(31 * DAY_MS);
    await yard.collect(['images']);
    return image;
  }

  test('goes when nobody used it and nothing has it, and not before', async () => {
    const image = await unusedManifest('alone');
    const { digest } = image.manifest;
    const stored = documents('manifests').doc(digest);

    const index = documents('manifests').doc('sha256:an-index');
    await index.set({
      mediaType: 'm',
      bytes: Buffer.of(),
      children: [digest],
      usedAt: FieldValue.serverTimestamp(),
    });
    assert.deepEqual(await yard.collect(['manifests']), {});
    await index.delete();

    const other = documents('images').doc('of-another-name');
    await other.set({ current: { digest } });
    assert.deepEqual(await yard.collect(['manifests']), {});
    await other.delete();

    // Somebody pulled by digest.
    const { usedAt } = (await stored.get()).data() ?? {};
    await stored.update({ usedAt: FieldValue.serverTimestamp() });
    assert.deepEqual(await yard.collect(['manifests']), {});
    await stored.update({ usedAt });
    assert.deepEqual(await yard.collect(['manifests']), { manifests: { deleted: 1 } });
    assert.equal((await stored.get()).exists, false);
  });

  for (const [what, begin] of [
    ['an image has', (digest: string) => documents('images').doc('beside').set({ current: { digest } })],
    [
      'an index has',
      (digest: string) =>
        documents('manifests')
          .doc('beside')
          .set({ mediaType: 'm', children: [digest] }),
    ],
  ] as const) {
    test(`stays that ${what} from this moment on`, async () => {
      const { manifest } = await unusedManifest(what);
      const firestore = actedBeside(yard.cloud.firestore, () => begin(manifest.digest));
      assert.deepEqual(await yard.collect(['manifests'], { firestore }), {});
      assert.ok(await yard.exists('manifests', manifest.digest));
    });
  }

  test('stays that a worker publishes once more at this moment', async () => {
    const { manifest } = await unusedManifest('again');
    const again = async () => yard.publish([await yard.storeBlob('again')]);
    await yard.collect(['manifests'], { firestore: actedBeside(yard.cloud.firestore, again) });
    assert.ok(await yard.exists('manifests', manifest.digest));
  });

  test('stays that somebody pulls by its digest at this moment', async () => {
    const { manifest } = await unusedManifest('pulled');
    const stored = documents('manifests').doc(manifest.digest);
    const pull = () => stored.update({ usedAt: FieldValue.serverTimestamp() });
    const firestore = actedBeside(yard.cloud.firestore, pull);
    assert.deepEqual(await yard.collect(['manifests'], { firestore }), {});
    assert.ok((await stored.get()).exists);
  });

  test('of a form that is not known stays', async () => {
    await documents('manifests')
      .doc('strange')
      .set({ usedAt: new Date(0) });
    assert.deepEqual(await yard.collect(['manifests']), { manifests: { unknown: 1 } });
  });
});

test('a source goes that nobody looked at and no image names', async () => {
  const { sources } = yard.cloud;
  const [first, second] = ['https://a.example/first.git', 'https://a.example/second.git'].map(
    url => ({ source: { kind: 'git', url }, ref: 'main' }) as const,
  );
  assert.ok(first && second);
  const key = sourceKey(first);
  const refsKey = sourceKey({ ...first, ref: EVERY_REF });
  await sources.record(key, first, { revision: 'r1' });
  await sources.recordRefs(refsKey, first.source, ['main', 'other']);
  await sources.ask(sourceKey(second), second, await sources.read(sourceKey(second)));
  await documents('sources')
    .doc('strange')
    .set({ askedAt: new Date(0) });

  // It is looked at, too.
  yard.later(20 * DAY_MS);
  assert.deepEqual(await yard.collect(['sources']), { sources: { unknown: 1 } });
  const image = yard.cloud.newImage();
  await documents('images')
    .doc(image.key)
    .set({ request: { ...image.request, ...first } });
  yard.later(20 * DAY_MS);
  assert.deepEqual(
    await yard.collect(['sources']),
    { sources: { deleted: 1, unknown: 1 } },
    'the second alone',
  );

  await documents('images').doc(image.key).update({ 'request.ref': 'other' });
  assert.deepEqual(
    await yard.collect(['sources']),
    { sources: { deleted: 1, unknown: 1 } },
    'its refs are used',
  );
  assert.deepEqual([await yard.exists('sources', key), await yard.exists('sources', refsKey)], [false, true]);
  await documents('images').doc(image.key).delete();
  assert.deepEqual(await yard.collect(['sources']), { sources: { deleted: 1, unknown: 1 } });
});

test('a snapshot goes when it is old, and neither an image nor a source has its revision', async () => {
  const snapshots = openSnapshots(PROJECT, BUCKET);
  for (const revision of ['r1', 'r2', 'r3']) {
    await snapshots.create(`snapshots/of/${revision}/x.json.gz`, EMPTY_SNAPSHOT, revision);
  }
  await yard.rawBucket.file('snapshots/of/before.json.gz').save('', { resumable: false });
  const image = await yard.publish([await yard.storeBlob('at r1')]);
  const at = { source: { kind: 'debian' }, ref: 'latest' } as const;
  await yard.cloud.sources.record(sourceKey(at), at, { revision: 'r2' });
  assert.deepEqual(await yard.collect(['snapshots']), {});

  yard.later(31 * DAY_MS);
  assert.deepEqual(await yard.collect(['snapshots']), { snapshots: { deleted: 1, unknown: 1 } });
  assert.equal(await snapshots.read('snapshots/of/r3/x.json.gz'), undefined);
  await documents('images').doc(image.key).delete();
  assert.deepEqual(await yard.collect(['snapshots']), { snapshots: { deleted: 1, unknown: 1 } });
  assert.ok(await snapshots.read('snapshots/of/r2/x.json.gz'));
});
