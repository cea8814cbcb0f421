// Pulls of an index: what they are told while its images are made, and whom they wake.
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { RequestKey } from '#core/image-request.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { collectLog } from '#test/collected-log.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';
import { newIndex, type AskedIndex } from '#test/index-of-two.ts';
import { published } from '#test/published.ts';
import { Served, waitingOn } from './served.ts';

/** So short that a request is sent round at once, and so long that no test gets there. Milliseconds. */
const SHORT = 30;
const LONG = 60_000;

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

async function served(context: TestContext, holdMs: number): Promise<Served> {
  const offer = { ...offerOf(), platforms: ['linux/amd64', 'linux/arm64'] } as const;
  const waiting = waitingOn(cloud, { log: collectLog().log });
  const registry = await Served.start('node:http', cloud, holdMs, { offer, waiting });
  context.after(() => registry[Symbol.asyncDispose]());
  return registry;
}

async function claim(key: RequestKey): Promise<void> {
  assert.equal((await cloud.images.claim(key, claimant('worker'))).kind, 'claimed');
}

/** An index that waits for its images, as of so many seconds ago. */
async function newWaiting(secondsAgo = 0): Promise<AskedIndex> {
  const index = newIndex(cloud);
  const { key, request, images } = index;
  const asked = { by: 'pull', settings: SETTINGS } as const;
  assert.ok(await cloud.images.queue(key, request, asked, await cloud.images.read(key)));
  await claim(key);
  for (const image of images) {
    const asking = { ...asked, request: image.request, index: key, revision: 'r1' };
    await cloud.images.askForIndex(image.key, asking);
  }
  const keys = images.map(image => image.key);
  assert.ok(await cloud.images.park(key, 'worker', keys, 'asked for'));
  await ago(key, 'build.parkedAt', secondsAgo);
  return index;
}

async function ago(key: RequestKey, field: string, seconds: number): Promise<void> {
  const moment = new Date(Date.now() - seconds * 1000);
  await cloud.firestore
    .collection('images')
    .doc(key)
    .update({ [field]: moment });
}

/** Makes an image of an index, and nobody looks at the index. */
async function make(key: RequestKey): Promise<void> {
  await claim(key);
  await cloud.images.publish(key, 'worker', published(`image ${key}`));
}

const INDEX = '{"manifests":[]}';

async function publishIndex(key: RequestKey): Promise<void> {
  await claim(key);
  const { manifest, ...made } = published(INDEX);
  const index = { ...manifest, mediaType: MEDIA_TYPES.index, children: [], blobs: undefined };
  await cloud.images.publish(key, 'worker', { ...made, manifest: index });
}

describe('a pull of an index', () => {
  test('is told how far each image is', async context => {
    const registry = await served(context, SHORT);
    const { name, images } = await newWaiting();
    const [amd, arm] = images;
    const told = async (wait: number): Promise<unknown> =>
      (await registry.send(`/v2/${name}/manifests/latest?wait=${wait}`)).headers['warning'];
    assert.equal(
      await told(1),
      '299 - "the image is being built: 0 of 2 platforms ready; linux/amd64: waiting for a worker; linux/arm64: waiting for a worker"',
    );
    await make(amd.key);
    await claim(arm.key);
    await cloud.images.renew(arm.key, 'worker', { name: 'building', done: 3, of: 17 });
    assert.equal(
      await told(2),
      '299 - "the image is being built: 1 of 2 platforms ready; linux/arm64: building 3/17"',
    );
  });

  test('goes on waiting where Firestore does not say how far its images are', async context => {
    const { log, lines } = collectLog();
    const silent = { ...cloud.images, readAll: () => new Promise<never>(() => {}) };
    const waiting = waitingOn(cloud, { log, images: silent, readLimitMs: 300 });
    const offer = { ...offerOf(), platforms: ['linux/amd64', 'linux/arm64'] } as const;
    const registry = await Served.start('node:http', cloud, SHORT, { offer, waiting });
    context.after(() => registry[Symbol.asyncDispose]());
    const { name } = await newWaiting();
    const { status, headers } = await registry.send(`/v2/${name}/manifests/latest`);
    assert.deepEqual(
      [status, headers['warning']],
      [307, '299 - "the image is being built: waiting for the images of its platforms"'],
    );
    assert.equal(lines.length, 1);
  });

  test('is answered the index when that is there, and its images by their digests', async context => {
    const registry = await served(context, LONG);
    const { name, key, images } = await newWaiting();
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    for (const image of images) await make(image.key);
    await publishIndex(key);
    const { status, headers, body } = await answer;
    assert.deepEqual([status, headers['content-type'], body.toString()], [200, MEDIA_TYPES.index, INDEX]);
    for (const image of images) {
      const { digest } = published(`image ${image.key}`).manifest;
      assert.equal((await registry.send(`/v2/${name}/manifests/${digest}`)).status, 200);
    }
  });
});

describe('whoever waits for an index', () => {
  test('wakes the workers of an image that was left alone, and not those of the index', async context => {
    const registry = await served(context, LONG);
    const { name, key, images } = await newWaiting(20);
    const [amd, arm] = images;
    await claim(amd.key);
    await ago(arm.key, 'build.queuedAt', 20);
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(arm.key, 'pull'), 1);
    assert.deepEqual(await cloud.takeHints('pull'), []);
    assert.equal((await cloud.buildOf(key)).state, 'waiting');
    await publishIndex(key);
    assert.equal((await answer).status, 200);
  });

  test('wakes the index’s own where nobody looked at it after the last image', async context => {
    const registry = await served(context, LONG);
    const { name, key, images } = await newWaiting(20);
    for (const image of images) await make(image.key);
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await publishIndex(key);
    assert.equal((await answer).status, 200);
  });
});
