// The end of a build whose layers were stored before, with the worker's parts on the stand-ins.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test, type TestContext } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { BELIEVED_MS } from '#core/blob-life.ts';
import { digestHex, digestOf, type Digest } from '#core/digest.ts';
import { TransientError } from '#core/errors.ts';
import { layerKeySchema } from '#core/layer.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openLayers } from '#core/google/layers.ts';
import { openManifests, type Manifest } from '#core/google/manifests.ts';
import { createBlobStore } from '#worker/blob-store.ts';
import { createLayerStore, type PlannedLayer } from '#worker/layer-store.ts';
import { createMend } from '#worker/mend.ts';
import { GZIP } from '#worker/pack/gzip.ts';
import { publishWhole } from '#worker/publish-whole.ts';
import { BUCKET, claimant, Cloud, PROJECT } from '#test/cloud.ts';
import { temporaryFolder } from './pack/trees.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const never = new AbortController().signal;
const silent = { info: () => {}, warn: () => {} };

/** Builds of images that have one layer, of this name. */
function builds(context: TestContext, name: string) {
  const { firestore, images } = cloud;
  const layers = openLayers(firestore);
  const blobStore = createBlobStore({
    bucket: openBlobBucket(PROJECT, BUCKET),
    blobs: openBlobs(firestore),
  });
  const store = createLayerStore({ blobStore, layers, spoolFolder: temporaryFolder(context) });
  let packed = 0;
  const content = Buffer.from(`content of ${name}`);
  const layer: PlannedLayer = {
    key: layerKeySchema.parse(createHash('sha256').update(name).digest('hex')),
    size: content.length,
    narHashes: [],
    compressor: GZIP,
    entries: () => {
      packed += 1;
      const owner = { uid: 0, gid: 0 };
      const { length: size } = content;
      return [
        { kind: 'file', name: Buffer.from('file'), owner, mode: 0o444, size, content: () => [content] },
      ];
    },
  };
  async function make(): Promise<Manifest> {
    const [fact] = await store.storeAll([layer], () => {}, never);
    assert.ok(fact);
    const bytes = Buffer.from(`image of ${fact.digest}`);
    return { digest: digestOf(bytes), mediaType: 'image', bytes, blobs: [fact.digest] };
  }
  /** Answers how often the layer was packed for it. */
  async function build(): Promise<{ readonly packed: number; readonly blob: Digest }> {
    packed = 0;
    const { key } = await cloud.newQueued();
    await images.claim(key, claimant('a'));
    const publish = (manifest: Manifest) =>
      images.publish(key, 'a', { manifest, revision: 'r1', checkedAt: Date.now() });
    const mend = createMend({ blobStore, layers });
    const parts = { publish, mend, remake: make, log: silent, signal: never };
    const { digest } = await publishWhole(parts, await make());
    const [blob] = (await openManifests(firestore).read(digest))?.blobs ?? [];
    assert.ok(blob);
    const [there] = await object(blob).exists();
    assert.ok(there && (await openBlobs(firestore).read(blob)) !== undefined);
    return { packed, blob };
  }
  return build;
}

const object = (digest: Digest) =>
  new Storage({ projectId: PROJECT }).bucket(BUCKET).file(`blobs/sha256/${digestHex(digest)}`);
const documentOf = (digest: Digest) => cloud.firestore.collection('blobs').doc(digest);

const unseen = { seenAt: new Date(Date.now() - 2 * BELIEVED_MS) };
const cases: readonly [what: string, happen: (blob: Digest) => Promise<unknown>, packed: number][] = [
  ['is there', async () => {}, 0],
  ['nobody saw for an hour', blob => documentOf(blob).update(unseen), 0],
  [
    'T9: is gone, when it is looked at',
    blob => Promise.all([documentOf(blob).update(unseen), object(blob).delete()]),
    1,
  ],
  [
    'T9: has other bytes',
    blob => Promise.all([documentOf(blob).update(unseen), object(blob).save('cut')]),
    1,
  ],
  [
    'T8: is condemned',
    blob => documentOf(blob).update({ tombstone: { placedAt: new Date(), stage: 'final' } }),
    1,
  ],
  [
    'T8: was deleted, and its fact was not',
    blob => Promise.all([documentOf(blob).delete(), object(blob).delete()]),
    1,
  ],
];
for (const [what, happen, packed] of cases) {
  test(`an image of a known layer that ${what} is published, and the layer is packed ${packed} times`, async context => {
    const build = builds(context, what);
    const first = await build();
    assert.equal(first.packed, 1);
    await happen(first.blob);
    assert.deepEqual(await build(), { packed, blob: first.blob });
    assert.equal((await build()).packed, 0);
  });
}

test('what is deleted as fast as it is stored is tried a number of times, and then later', async () => {
  const manifest: Manifest = {
    digest: digestOf('m'),
    mediaType: 'image',
    bytes: Buffer.from('m'),
    blobs: [],
  };
  let tries = 0;
  const refusal = { kind: 'refused', missing: [digestOf('b')], unseen: [], children: [] } as const;
  const parts = {
    publish: async () => {
      tries += 1;
      return refusal;
    },
    mend: async () => refusal.missing,
    remake: async () => manifest,
    log: silent,
    signal: never,
  };
  await assert.rejects(publishWhole(parts, manifest), TransientError);
  assert.equal(tries, 5);
  const children = [digestOf('child')];
  const index = { ...parts, publish: async () => ({ ...refusal, children }) };
  await assert.rejects(publishWhole(index, manifest), /images of this index are gone/);
});
