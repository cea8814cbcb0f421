import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cloud } from '#test/cloud.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

test('a hint arrives on the topic of its priority, and on no other', async () => {
  const pulled = cloud.newImage();
  const refreshed = cloud.newImage();
  await Promise.all([cloud.hints.send(pulled.key, 'pull'), cloud.hints.send(refreshed.key, 'refresh')]);
  assert.deepEqual(await cloud.takeHints('pull'), [pulled.key]);
  assert.deepEqual(await cloud.takeHints('refresh'), [refreshed.key]);
  assert.deepEqual(await cloud.takeHints('pull'), []);
});
