import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBlobs } from '#core/google/blobs.ts';
import { openLayers } from '#core/google/layers.ts';
import { blobsOf, openManifests } from '#core/google/manifests.ts';
import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { layerKeySchema, type LayerFact, type LayerKey } from '#core/layer.ts';
import { Cloud } from '#test/cloud.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const keyOf = (text: string): LayerKey => layerKeySchema.parse(digestOf(text).slice('sha256:'.length));
const factOf = (text: string): LayerFact => ({
  digest: digestOf(`${text} gzip`),
  diffId: digestOf(text),
  size: 9,
});

describe('layer facts', () => {
  test('are read back, and what is not known is not there', async () => {
    const layers = openLayers(cloud.firestore);
    assert.deepEqual(await layers.record(keyOf('a'), factOf('a'), ['sha256:nar']), factOf('a'));
    await layers.record(keyOf('b'), factOf('b'), []);
    const facts = await layers.readAll([keyOf('b'), keyOf('unknown'), keyOf('a')]);
    assert.deepEqual(
      facts,
      new Map([
        [keyOf('a'), factOf('a')],
        [keyOf('b'), factOf('b')],
      ]),
    );
    assert.equal((await layers.readAll([])).size, 0);
  });

  test('have their place, however many store paths are in the layer', async () => {
    const layers = openLayers(cloud.firestore);
    const hashes = Array.from({ length: 20_000 }, (_, number) => digestOf(`store path ${number}`));
    assert.deepEqual(await layers.record(keyOf('huge'), factOf('huge'), hashes), factOf('huge'));
    assert.deepEqual((await layers.readAll([keyOf('huge')])).get(keyOf('huge')), factOf('huge'));
  });

  test('the first one stands, and later ones are told', async () => {
    const layers = openLayers(cloud.firestore);
    const key = keyOf('contested');
    await layers.record(key, factOf('first'), []);
    assert.deepEqual(await layers.record(key, factOf('second'), []), factOf('first'));
    assert.deepEqual((await layers.readAll([key])).get(key), factOf('first'));
  });

  test('of many at once one stands, and all are told the same', async () => {
    const layers = openLayers(cloud.firestore);
    const key = keyOf('raced for');
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => layers.record(key, factOf(`worker ${i}`), [])),
    );
    const standing = (await layers.readAll([key])).get(key);
    for (const answer of answers) assert.deepEqual(answer, standing);
  });
});

describe('blobs', () => {
  test('are what was recorded; the last record counts', async () => {
    const blobs = openBlobs(cloud.firestore);
    const digest = digestOf('blob');
    assert.equal(await blobs.read(digest), undefined);
    await blobs.record(digest, { size: 4, crc32c: 'AAAAAA==', generation: '1' });
    await blobs.record(digest, { size: 4, crc32c: 'AAAAAA==', generation: '1700000000000000' });
    assert.deepEqual(await blobs.read(digest), {
      size: 4,
      crc32c: 'AAAAAA==',
      generation: '1700000000000000',
    });
  });

  test('that are condemned are not there, until they are written anew', async () => {
    const blobs = openBlobs(cloud.firestore);
    const digest = digestOf('condemned');
    const object = { size: 4, crc32c: 'AAAAAA==', generation: '1' };
    await blobs.record(digest, object);
    const earlier = await blobs.see(digest);
    const tombstone = { placedAt: new Date(), stage: 'final' };
    await cloud.firestore.collection('blobs').doc(digest).update({ tombstone });
    assert.equal(await blobs.read(digest), undefined);
    const seen = await blobs.see(digest);
    assert.equal(await blobs.record(digest, object), false);
    assert.equal(await blobs.recordFound(digest, object, seen), false);
    const anew = { ...object, generation: '2' };
    // It may have been written before that one, and be recorded late.
    assert.equal(await blobs.record(digest, anew), false, 'whether it is there still, a look tells');
    assert.equal(await blobs.recordFound(digest, anew, earlier), false, 'it changed since');
    assert.equal(await blobs.recordFound(digest, anew, seen), true);
    assert.deepEqual(await blobs.read(digest), anew);
  });
});

describe('manifests', () => {
  test('name their config and their layers, and those of before do in their bytes alone', () => {
    const [config, layer] = [digestOf('config'), digestOf('layer')];
    const layers = [{ digest: layer }, { digest: layer }];
    const bytes = Buffer.from(JSON.stringify({ config: { digest: config }, layers }));
    const manifest = { digest: digestOf(bytes), mediaType: MEDIA_TYPES.manifest, bytes };
    assert.deepEqual(blobsOf(manifest), [config, layer]);
    assert.deepEqual(blobsOf({ ...manifest, blobs: [layer] }), [layer]);
    assert.deepEqual(blobsOf({ ...manifest, children: [digestOf('child')] }), []);
  });

  test('that nobody published are not there', async () => {
    assert.equal(await openManifests(cloud.firestore).read(digestOf('none')), undefined);
  });
});
