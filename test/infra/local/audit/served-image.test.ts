import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { digestOf, type Digest } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openManifests, storeManifest } from '#core/google/manifests.ts';
import { MEDIA_TYPES, writeConfig, writeIndex, writeManifest } from '#core/oci.ts';
import type { Platform } from '#core/platform.ts';
import { compareIndex } from '#local/audit/compare-index.ts';
import { readServedImages, type ServedImage, type ServedImages } from '#local/audit/served-image.ts';
import { StartError } from '#local/start-error.ts';
import { labelsOf } from '#worker/image/labels.ts';
import { BUCKET, claimant, Cloud, PROJECT } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const REVISION = { 'org.opencontainers.image.revision': 'r1' };

async function storeDocument(mediaType: string, bytes: Buffer): Promise<Digest> {
  const digest = digestOf(bytes);
  await cloud.firestore.runTransaction(transaction => {
    storeManifest(cloud.firestore, { digest, mediaType, bytes })(transaction);
    return Promise.resolve();
  });
  return digest;
}

/** An image of no layers. */
async function storeImage(platform: Platform, annotations: Record<string, string> = REVISION) {
  const config = writeConfig({
    platform,
    environment: {},
    command: undefined,
    user: undefined,
    workingFolder: '/',
    labels: {},
    layers: [],
  });
  const { digest, bytes } = config;
  const checksum = formatCrc32c(crc32c(bytes));
  const stored = await openBlobBucket(PROJECT, BUCKET).put({
    digest,
    size: bytes.length,
    crc32c: checksum,
    from: { bytes },
  });
  await openBlobs(cloud.firestore).record(digest, stored);
  return storeDocument(MEDIA_TYPES.manifest, writeManifest(config, [], annotations).bytes);
}

/** The index of these images, with these annotations. */
async function storeIndex(images: readonly ServedImage[], annotations: Record<string, string>) {
  const listed = images.map(({ digest, size, request }) => ({
    platform: request.platforms[0],
    digest,
    size,
  }));
  return storeDocument(MEDIA_TYPES.index, writeIndex(listed, annotations).bytes);
}

function read(request = cloud.newImage().request, digest?: Digest): Promise<ServedImages> {
  const { images, firestore } = cloud;
  const served = { images, manifests: openManifests(firestore), bucket: openBlobBucket(PROJECT, BUCKET) };
  return readServedImages(served, request, SETTINGS, digest);
}

test('the image that a name has now is read, without an index', async () => {
  const { key, request } = await cloud.newQueued();
  await cloud.images.claim(key, claimant('w'));
  const digest = await storeImage('linux/amd64');
  const manifest = await openManifests(cloud.firestore).read(digest);
  assert.ok(manifest !== undefined);
  await cloud.images.publish(key, 'w', { manifest, revision: 'r1', checkedAt: Date.now() });
  const { images, index } = await read(request);
  assert.equal(index, undefined);
  assert.deepEqual(
    images.map(image => [image.digest, image.revision, image.request]),
    [[digest, 'r1', request]],
  );
});

test('of an index, each image is read, and asked for by its own platform', async () => {
  const { request } = cloud.newImage();
  const both: typeof request = { ...request, platforms: ['linux/amd64', 'linux/arm64'] };
  const stored: ServedImage[] = [];
  for (const platform of both.platforms) {
    stored.push(...(await read(request, await storeImage(platform))).images);
  }
  const labels = labelsOf(request, 'r1');
  const { index, images } = await read(both, await storeIndex(stored, labels));
  assert.deepEqual(
    images.map(image => [image.digest, image.request]),
    stored.map(({ digest }, at) => [digest, { ...request, platforms: [both.platforms[at]] }]),
  );
  assert.ok(index !== undefined);
  assert.deepEqual(compareIndex(index, both, images), { digest: index.digest, differences: [] });

  const changed = await read(both, await storeIndex(stored, { ...labels, note: 'x' }));
  assert.ok(changed.index !== undefined);
  assert.deepEqual(compareIndex(changed.index, both, changed.images).differences, [
    { what: 'the index', details: ['index.annotations.note: served "x", rebuilt nothing'] },
  ]);
  const turned = await read(both, await storeIndex(stored.toReversed(), labels));
  assert.ok(turned.index !== undefined);
  const [difference] = compareIndex(turned.index, both, turned.images).differences;
  assert.match(difference?.details[0] ?? '', /^index\.manifests\[0\]\.digest: served /);
});

test('what is not there is told', async () => {
  await assert.rejects(read(), new StartError('There is no such image here: pull it first.'));
  const nowhere = digestOf('nowhere');
  await assert.rejects(read(undefined, nowhere), new StartError(`There is no manifest ${nowhere} here.`));
  const nameless = await storeImage('linux/amd64', {});
  await assert.rejects(read(undefined, nameless), /does not say what it was made from/);
});
