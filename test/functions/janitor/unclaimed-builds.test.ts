import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RequestKey } from '#core/image-request.ts';
import { sweepUnclaimedBuilds } from '#functions/janitor/unclaimed-builds.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { OTHER_SETTINGS, SETTINGS } from '#test/core/deployment.ts';
import { newIndex } from '#test/index-of-two.ts';
import { published } from '#test/published.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** Moves the time that a build was queued at into the past. */
async function queuedAgo(key: RequestKey, minutes: number): Promise<void> {
  const queuedAt = new Date(Date.now() - minutes * 60_000);
  await cloud.firestore.collection('images').doc(key).update({ 'build.queuedAt': queuedAt });
}

/** A build whose worker vanished. */
async function abandoned(by: 'pull' | 'refresh'): Promise<RequestKey> {
  const { key } = await cloud.newQueued(by);
  await cloud.images.claim(key, claimant('vanished', 0.001));
  await cloud.untilClaimable(key);
  return key;
}

/** Sweeps as a janitor of the tests' settings. */
async function sweep() {
  const { log, lines } = collectLog();
  const { images, hints } = cloud;
  return { hinted: await sweepUnclaimedBuilds({ images, hints, settings: SETTINGS, log }), lines };
}

/** Without what earlier tests have left behind. */
async function clear(): Promise<void> {
  const { docs } = await cloud.firestore.collection('images').get();
  await Promise.all(docs.map(({ ref }) => ref.delete()));
}

test('builds that no worker has get a hint on the topic of who asked, and no others', async () => {
  const left = await abandoned('pull');
  const leftRefresh = await abandoned('refresh');
  const unclaimed = await cloud.newQueued('pull');
  await queuedAgo(unclaimed.key, 6);
  const unclaimedRefresh = await cloud.newQueued('refresh');
  await queuedAgo(unclaimedRefresh.key, 6);

  // In the queue, being built, given back, failed, published: none of these was left alone.
  const waiting = await cloud.newQueued();
  await queuedAgo(waiting.key, 4);
  const building = await cloud.newQueued();
  await cloud.images.claim(building.key, claimant('at work'));
  const givenBack = await cloud.newQueued();
  await cloud.images.claim(givenBack.key, claimant('unlucky'));
  await cloud.images.release(givenBack.key, 'unlucky', 'no network');
  const failed = await cloud.newQueued();
  await cloud.images.claim(failed.key, claimant('done'));
  await cloud.images.fail(failed.key, 'done', { kind: 'refused', message: 'no' }, 'r1');
  const done = await cloud.newQueued();
  await cloud.images.claim(done.key, claimant('worker'));
  await cloud.images.publish(done.key, 'worker', published('an image'));

  const { hinted, lines } = await sweep();
  assert.equal(hinted, 4);
  assert.deepEqual(new Set(await cloud.takeHints('pull')), new Set([left, unclaimed.key]));
  assert.deepEqual(new Set(await cloud.takeHints('refresh')), new Set([leftRefresh, unclaimedRefresh.key]));
  assert.equal(lines.length, 4);
});

test('a document of an older version, or of other settings, stops no sweep, and is told once', async () => {
  await clear();
  for (const minutes of [60, 50]) {
    const strange = { state: 'queued', queuedAt: new Date(Date.now() - minutes * 60_000) };
    await cloud.firestore.collection('images').doc(cloud.newImage().key).create({ build: strange });
  }
  const foreign = cloud.newImage();
  const asked = { by: 'pull', settings: OTHER_SETTINGS } as const;
  await cloud.images.queue(foreign.key, foreign.request, asked, await cloud.images.read(foreign.key));
  await queuedAgo(foreign.key, 40);
  const { key } = await cloud.newQueued();
  await queuedAgo(key, 6);

  const { hinted, lines } = await sweep();
  assert.equal(hinted, 1);
  assert.deepEqual(await cloud.takeHints('pull'), [key]);
  const told = lines.filter(({ count }) => count !== undefined);
  assert.deepEqual(
    told.map(({ count, message }) => [count, message]),
    [[2, 'documents were left out: they are not ones that this code knows']],
  );
});

test('the oldest build is woken first', async () => {
  await clear();
  const asked = await Promise.all(
    [7, 9, 6, 8].map(async minutes => {
      const { key } = await cloud.newQueued();
      await queuedAgo(key, minutes);
      return { key, minutes };
    }),
  );
  const sent: string[] = [];
  const hints = { send: async ({ key }: { key: string }) => void sent.push(key) };
  const { images } = cloud;
  await sweepUnclaimedBuilds({ images, hints, settings: SETTINGS, log: collectLog().log });
  assert.deepEqual(
    sent,
    asked.toSorted((a, b) => b.minutes - a.minutes).map(({ key }) => key),
  );
});

describe('an index that waits', () => {
  /** One of two images, which were asked for by it, so many minutes ago. */
  async function newWaiting(minutes: number) {
    await clear();
    const index = newIndex(cloud);
    await cloud.images.queue(
      index.key,
      index.request,
      { by: 'refresh', settings: SETTINGS },
      await cloud.images.read(index.key),
    );
    await cloud.images.claim(index.key, claimant('of the index'));
    const asking = { by: 'refresh', settings: SETTINGS, index: index.key, revision: 'r1' } as const;
    for (const { key, request } of index.images) await cloud.images.askForIndex(key, { request, ...asking });
    const keys = index.images.map(({ key }) => key);
    assert.ok(await cloud.images.park(index.key, 'of the index', keys, 'both'));
    const parkedAt = new Date(Date.now() - minutes * 60_000);
    await cloud.firestore.collection('images').doc(index.key).update({ 'build.parkedAt': parkedAt });
    return { index, keys };
  }

  test('for images in the queue, and for one that a worker has, needs nothing', async () => {
    const { keys } = await newWaiting(60);
    const [first] = keys;
    assert.ok(first);
    await cloud.images.claim(first, claimant('at work'));
    assert.equal((await sweep()).hinted, 0);
  });

  test('for an image that was left alone has that one woken', async () => {
    const { keys } = await newWaiting(60);
    const [first] = keys;
    assert.ok(first);
    await queuedAgo(first, 6);
    assert.equal((await sweep()).hinted, 1);
    assert.deepEqual(await cloud.takeHints('refresh'), [first]);
  });

  test('for none, because nobody looked at it when the last one ended, is woken itself', async () => {
    const { index, keys } = await newWaiting(60);
    for (const key of keys) {
      await cloud.images.claim(key, claimant('maker'));
      const publication = await cloud.images.publish(key, 'maker', published(key));
      assert.deepEqual(publication, { kind: 'published', waiting: [index.key] });
    }
    assert.equal((await sweep()).hinted, 1);
    assert.deepEqual(await cloud.takeHints('refresh'), [index.key]);
  });
});
