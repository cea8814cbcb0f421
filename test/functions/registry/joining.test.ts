// Pulls that find a build under way.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openHints } from '#core/google/hints.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud, PROJECT } from '#test/cloud.ts';
import { IMPATIENT, Scene } from './scene.ts';
import { toldRoom } from './told-room.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

describe('a pull that finds a build which nobody waits for', () => {
  test('raises it, and wakes the workers where pulls are taken first', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.queue('refresh');
    const answers = scene.pulls(20);
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    const build = await scene.build();
    assert.equal(build.state === 'queued' && build.by, 'pull');
    await scene.make('for all', 'r1');
    for (const { body } of await answers) assert.equal(body.toString(), 'for all');
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('says so of one that has begun, too: given back, it is a pull’s', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.queue('refresh');
    await scene.claim();
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await cloud.images.release(scene.asked.key, 'worker', undefined);
    const build = await scene.build();
    assert.equal(build.state === 'queued' && build.by, 'pull');
    await scene.make('in the end', 'r1');
    assert.equal((await answer).body.toString(), 'in the end');
  });
});

test('200 pulls that join a build write nothing and do no transaction', async context => {
  const { room, entered } = toldRoom(200);
  const scene = await Scene.set(cloud, context, { room });
  await scene.queue('pull');
  const { version } = await cloud.images.read(scene.asked.key);
  const transactions = context.mock.method(cloud.firestore, 'runTransaction').mock;
  const answers = scene.pulls(200);
  await entered;
  assert.equal(transactions.callCount(), 0);
  assert.deepEqual((await cloud.images.read(scene.asked.key)).version, version);
  await scene.make('for everyone', 'r1');
  for (const { body } of await answers) assert.equal(body.toString(), 'for everyone');
  assert.deepEqual(await cloud.takeHints('pull'), []);
});

test('a hint that was lost is sent again by the pull that waits', IMPATIENT, async context => {
  const topic = 'a-topic-to-come';
  const collected = collectLog();
  const scene = await Scene.set(cloud, context, {
    log: collected.log,
    hints: openHints(PROJECT, { pull: topic, refresh: topic }),
  });
  const answer = scene.pull();
  await collected.until(1, ({ message }) => message === 'the hint was not sent; it will be again');
  const [created] = await cloud.pubsub.createTopic(topic);
  await created.createSubscription(topic);
  await scene.ago('images', 'build.queuedAt', 11_000);
  while ((await cloud.readyIn(topic)) === 0);
  await scene.make('woken', 'r1');
  assert.equal((await answer).body.toString(), 'woken');
});
