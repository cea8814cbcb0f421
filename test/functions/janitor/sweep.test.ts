import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RequestKey } from '#core/image-request.ts';
import { sweepUnclaimedBuilds } from '#functions/janitor/sweep.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud, PROJECT } from '#test/cloud.ts';
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

  const { log, lines } = collectLog();
  assert.equal(await sweepUnclaimedBuilds(cloud.images, cloud.hints, log), 4);
  assert.deepEqual(new Set(await cloud.takeHints('pull')), new Set([left, unclaimed.key]));
  assert.deepEqual(new Set(await cloud.takeHints('refresh')), new Set([leftRefresh, unclaimedRefresh.key]));
  assert.equal(lines.length, 4);
});

test('the function sweeps when it is called, with the settings of its environment', async () => {
  process.env['GOOGLE_CLOUD_PROJECT'] = PROJECT;
  const { janitor } = await import('#functions/janitor/index.ts');
  const key = await abandoned('pull');
  await janitor();
  assert.equal(await cloud.hintsAt(key, 'pull'), 1);
});
