import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sourceKey } from '#core/source-document.ts';
import { Cloud } from '#test/cloud.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

test('a hint arrives on the topic of its priority, and on no other', async () => {
  const pulled = cloud.newImage();
  const source = sourceKey(cloud.newImage().request);
  await Promise.all([
    cloud.hints.send({ look: 'image', key: pulled.key }, 'pull'),
    cloud.hints.send({ look: 'source', key: source }, 'refresh'),
  ]);
  assert.deepEqual(await cloud.takeHints('pull'), [pulled.key]);
  assert.deepEqual(await cloud.takeHints('refresh'), [source]);
  assert.deepEqual(await cloud.takeHints('pull'), []);
});
