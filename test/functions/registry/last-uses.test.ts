// When images and manifests were pulled last: noted beside the answers, once an hour.
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { createLastUses, type LastUses } from '#functions/registry/last-uses.ts';
import { openManifests } from '#core/google/manifests.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { countFirestoreCalls } from '#test/firestore-calls.ts';
import { published } from '#test/published.ts';
import { readyImage } from './ready-image.ts';
import { Served, waitingOn } from './served.ts';

const HOUR = 3_600_000;

let cloud: Cloud;
let gone = 0;
before(async () => {
  cloud = await Cloud.start({ wallClock: () => Date.now() + gone });
});
after(() => cloud[Symbol.asyncDispose]());

/** An instance, and its uses. */
async function instance(context: TestContext) {
  const { log, lines } = collectLog();
  const manifests = openManifests(cloud.firestore);
  const now = (): number => performance.now() + gone;
  const lastUses: LastUses = createLastUses({
    images: cloud.images,
    manifests,
    log,
    notedEveryMs: HOUR,
    now,
  });
  const waiting = waitingOn(cloud, { log, lastUses, cacheMs: 30_000, now });
  const served = await Served.start('node:http', cloud, 60_000, { waiting, manifests, lastUses });
  context.after(() => served[Symbol.asyncDispose]());
  return { served, lines, manifests, lastUses };
}

/** Waits until a document says that it was used, later than at a time. */
async function usedLaterThan(collection: 'images' | 'manifests', id: string, than: number): Promise<number> {
  for (;;) {
    const usedAt = await usedAtOf(collection, id);
    if (usedAt !== undefined && usedAt > than) return usedAt;
  }
}

async function usedAtOf(collection: 'images' | 'manifests', id: string): Promise<number | undefined> {
  const value: unknown = (await cloud.firestore.collection(collection).doc(id).get()).get('usedAt');
  return (value as { toMillis(): number } | undefined)?.toMillis();
}

test('pulls of an image note its use once an hour, on all instances together', async context => {
  const [one, other] = [await instance(context), await instance(context)];
  const { name, key } = await readyImage(cloud, 'of an hour');
  const path = `/v2/${name}/manifests/latest`;
  const made = await usedLaterThan('images', key, 0);
  using calls = countFirestoreCalls();
  for (let round = 0; round < 20; round += 1) assert.equal((await one.served.send(path)).status, 200);
  assert.equal(await usedAtOf('images', key), made, 'the build was waited for: that was a use');
  assert.equal(calls.ended('Commit'), 0);

  gone += HOUR;
  await one.served.send(path);
  const used = await usedLaterThan('images', key, made);
  for (let round = 0; round < 20; round += 1) {
    await one.served.send(path);
    await other.served.send(path);
  }
  assert.equal(calls.ended('Commit'), 2, 'of the image, and of the manifest that it has');
  gone += HOUR - 60_000;
  await other.served.send(path);
  assert.equal(await usedAtOf('images', key), used);
  gone += 60_000;
  await other.served.send(path);
  await usedLaterThan('images', key, used);
});

test('a pull notes its use also where it has the source looked at, of the image and of the manifest', async context => {
  const { served } = await instance(context);
  const { name, key, image } = await readyImage(cloud, 'seldom pulled');
  const { digest } = image.manifest;
  const [imageUsed, manifestUsed] = [
    await usedLaterThan('images', key, 0),
    await usedLaterThan('manifests', digest, 0),
  ];
  // Longer than what was seen of a source is fresh, and shorter than the image may be served.
  gone += 2 * HOUR;
  assert.equal((await served.send(`/v2/${name}/manifests/latest`)).status, 200);
  await usedLaterThan('images', key, imageUsed);
  await usedLaterThan('manifests', digest, manifestUsed);
});

test('pulls by digest note the use of the manifest, from memory too, and of no image', async context => {
  const { served } = await instance(context);
  const { name, key, image } = await readyImage(cloud, 'by digest');
  const { digest } = image.manifest;
  const path = `/v2/${name}/manifests/${digest}`;
  const made = await usedLaterThan('manifests', digest, 0);
  const imageUsed = await usedAtOf('images', key);
  await served.send(path);
  gone += HOUR;
  for (let round = 0; round < 20; round += 1) assert.equal((await served.send(path)).status, 200);
  const used = await usedLaterThan('manifests', digest, made);
  gone += HOUR / 2;
  await served.send(path);
  gone += HOUR / 2;
  await served.send(path);
  await usedLaterThan('manifests', digest, used);
  assert.equal(await usedAtOf('images', key), imageUsed);
});

test('a manifest that was deleted is answered from memory until its use is to be noted, and is not written again', async context => {
  const { served, manifests } = await instance(context);
  const { name, image } = await readyImage(cloud, 'to be deleted');
  const { digest } = image.manifest;
  const path = `/v2/${name}/manifests/${digest}`;
  assert.equal((await served.send(path)).status, 200);
  await cloud.firestore.collection('manifests').doc(digest).delete();
  gone += HOUR;
  assert.equal((await served.send(path)).status, 200);
  while (manifests.kept(digest) !== undefined) await new Promise(setImmediate);
  assert.equal((await served.send(path)).status, 404);
  assert.equal(await usedAtOf('manifests', digest), undefined);
});

test('a use neither brings back what was deleted nor touches what was written meanwhile', async () => {
  const { key } = await readyImage(cloud, 'gone');
  gone += HOUR;
  const seen = await cloud.images.read(key);
  const written = cloud.firestore.collection('images').doc(key);
  await written.update({ 'current.revision': 'r9' });
  const between = await cloud.images.read(key);
  assert.equal(await cloud.images.noteUse(key, seen, HOUR), 0);
  assert.deepEqual((await cloud.images.read(key)).document, between.document);
  assert.equal(await cloud.images.noteUse(key, between, HOUR), HOUR);
  const { document } = await cloud.images.read(key);
  const unused = { usedAt: 0, recentUses: 0 };
  assert.deepEqual({ ...document, ...unused }, { ...between.document, ...unused });

  gone += HOUR;
  const last = await cloud.images.read(key);
  await written.delete();
  assert.equal(await cloud.images.noteUse(key, last, HOUR), 0);
  assert.equal((await cloud.images.read(key)).document, undefined);
});

test('a build is queued though a use was noted in between, and not where anything else was', async () => {
  const { key, request, image } = await readyImage(cloud, 'queued all the same');
  const asked = { by: 'refresh', settings: (await cloud.images.read(key)).document?.settings } as const;
  assert.ok(asked.settings);
  gone += HOUR;
  const seen = await cloud.images.read(key);
  await cloud.images.noteUse(key, seen, HOUR);
  const queue = { by: asked.by, settings: asked.settings };
  assert.equal(await cloud.images.queue(key, request, queue, seen), true);
  assert.equal(await cloud.images.queue(key, request, queue, seen), false);
  assert.equal((await cloud.images.read(key)).document?.current?.digest, image.manifest.digest);
});

test('each noted use counts one, beside what the earlier ones weigh by now', async () => {
  const { key } = await readyImage(cloud, 'counted');
  const counts: number[] = [];
  for (let hours = 0; hours < 3; hours += 1) {
    const seen = await cloud.images.read(key);
    counts.push(seen.document?.recentUses ?? 0);
    gone += 72 * HOUR;
    await cloud.images.noteUse(key, await cloud.images.read(key), HOUR);
  }
  assert.deepEqual(
    counts.map(count => Math.round(count * 1_000)),
    [1_000, 1_500, 1_750],
  );
});

test('the first use of what was made before anyone asked is no change to what is queued for it', async () => {
  const { key, request } = await cloud.newQueued('refresh');
  await cloud.images.claim(key, claimant('worker'));
  await cloud.images.publish(key, 'worker', published('made before anyone asked'));
  const seen = await cloud.images.read(key);
  assert.deepEqual([seen.document?.usedAt, seen.document?.recentUses], [undefined, undefined]);
  await cloud.images.noteUse(key, seen, HOUR);
  assert.equal(await cloud.images.queue(key, request, { by: 'refresh', settings: SETTINGS }, seen), true);
  const { document } = await cloud.images.read(key);
  assert.equal(document?.recentUses, 1);
});

test('of uses that many instances note at once, one counts', async () => {
  const { key } = await readyImage(cloud, 'noted by many');
  gone += 2 * HOUR;
  const seen = await cloud.images.read(key);
  const noted = await Promise.all(Array.from({ length: 10 }, () => cloud.images.noteUse(key, seen, HOUR)));
  assert.equal(noted.filter(milliseconds => milliseconds === HOUR).length, 1);
  assert.ok(((await cloud.images.read(key)).document?.recentUses ?? 0) < 2);
});

test('an answer does not wait for it, and that it cannot be noted is told and tried again', async context => {
  const collected = collectLog();
  const { log, lines } = collected;
  const { image, name } = await readyImage(cloud, 'answered');
  const noted: PromiseWithResolvers<number>[] = [];
  const noteUse = (): Promise<number> => {
    const use = Promise.withResolvers<number>();
    noted.push(use);
    return use.promise;
  };
  const lastUses = createLastUses({
    images: { noteUse },
    manifests: { noteUse },
    log,
    notedEveryMs: HOUR,
  });
  const served = await Served.start('node:http', cloud, 60_000, { lastUses });
  context.after(() => served[Symbol.asyncDispose]());
  const path = `/v2/${name}/manifests/${image.manifest.digest}`;
  for (let round = 0; round < 5; round += 1) assert.equal((await served.send(path)).status, 200);
  assert.equal(noted.length, 1);
  noted[0]?.reject(new Error('no connection'));
  await collected.until(1, ({ message }) => String(message).startsWith('the last use was not noted'));
  await served.send(path);
  assert.equal(noted.length, 2);
  assert.equal(lines.length, 1);
});
