import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBlobs } from '#core/google/blobs.ts';
import { openLayers } from '#core/google/layers.ts';
import { openManifests } from '#core/google/manifests.ts';
import { digestOf } from '#core/digest.ts';
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
});

describe('manifests', () => {
  test('that nobody published are not there', async () => {
    assert.equal(await openManifests(cloud.firestore).read(digestOf('none')), undefined);
  });
});
