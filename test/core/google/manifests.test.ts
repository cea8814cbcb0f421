import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { openManifests, storeManifest } from '#core/google/manifests.ts';
import { Cloud } from '#test/cloud.ts';
import { countFirestoreCalls } from '#test/firestore-calls.ts';
import { published } from '#test/published.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

async function stored(text: string) {
  const { manifest } = published(text);
  await cloud.firestore.runTransaction(async transaction =>
    storeManifest(cloud.firestore, manifest)(transaction),
  );
  return manifest.digest;
}

test('a manifest is read once for all who ask at the same time, and then kept', async () => {
  const digest = await stored('for all');
  const manifests = openManifests(cloud.firestore);
  using calls = countFirestoreCalls();
  for (const manifest of await Promise.all(Array.from({ length: 100 }, () => manifests.read(digest)))) {
    assert.equal(Buffer.from(manifest?.bytes ?? []).toString(), 'for all');
  }
  await manifests.read(digest);
  assert.ok(manifests.kept(digest));
  assert.equal(calls.ended('BatchGetDocuments'), 1);
});

test('that there is none is not kept', async () => {
  const manifests = openManifests(cloud.firestore);
  assert.equal(await manifests.read(digestOf('later')), undefined);
  await stored('later');
  assert.ok(await manifests.read(digestOf('later')));
});

test('N13: what is kept has a bound in bytes: those that were asked for longest ago go', async () => {
  const digests = await Promise.all(['a', 'b', 'c'].map(letter => stored(letter.repeat(40_000))));
  const manifests = openManifests(cloud.firestore, { cacheBytes: 100_000 });
  for (const digest of digests) await manifests.read(digest);
  assert.deepEqual(
    digests.map(digest => manifests.kept(digest) !== undefined),
    [false, true, true],
  );
});

test('a manifest that is at hand is trusted anew from the look with which its use is noted', async () => {
  const digest = await stored('used');
  let at = 0;
  const manifests = openManifests(cloud.firestore, { trustedMs: 1_000, now: () => at });
  await manifests.read(digest);
  at = 999;
  await manifests.noteUse(digest, 3_600_000);
  at = 1_998;
  assert.ok(manifests.kept(digest));
  await cloud.firestore.collection('manifests').doc(digest).delete();
  assert.equal(await manifests.noteUse(digest, 3_600_000), 0);
  assert.equal(manifests.kept(digest), undefined);
});
