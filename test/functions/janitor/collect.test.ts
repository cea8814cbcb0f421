import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { DAY_MS, Yard } from './yard.ts';

let yard: Yard;
before(async () => void (yard = await Yard.open()));
beforeEach(() => yard.clear());
after(() => yard[Symbol.asyncDispose]());

test('an image that nobody pulls goes, then its manifest, then its blobs, each at its time', async () => {
  const [config, layer] = [await yard.storeBlob('config'), await yard.storeBlob('layer')];
  const { key, manifest } = await yard.publish([config, layer]);

  yard.later(29 * DAY_MS);
  assert.deepEqual(await yard.collect(), { blobs: { named: 2 } }, 'a manifest names them');
  yard.later(DAY_MS);
  assert.deepEqual(await yard.collect(), { images: { deleted: 1 }, manifests: { deleted: 1 } });
  assert.equal(await yard.exists('images', key), false);
  assert.equal(await yard.exists('manifests', manifest.digest), false);

  yard.later(6 * DAY_MS);
  assert.deepEqual(await yard.collect(), { blobs: { marked: 2 } });
  assert.ok(await yard.blobs.read(layer), 'it is served for as long as it is marked');
  yard.later(DAY_MS / 2);
  assert.deepEqual(await yard.collect(), {});
  yard.later(DAY_MS / 2);
  assert.deepEqual(await yard.collect(), { tombstones: { condemned: 2 }, condemned: { deleted: 2 } });
  for (const digest of [config, layer]) {
    assert.equal(await yard.hasObject(digest), false);
    assert.equal(await yard.exists('blobs', digest), false);
  }
  assert.deepEqual(Object.keys((await yard.everything()) as object).length, 2);
  assert.ok((await yard.cloud.firestore.collection('layers').get()).empty, 'nobody is told of the layers');
});
