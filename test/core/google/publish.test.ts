// What a publication checks of that which its manifest names, in the one step in which the image becomes current.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BELIEVED_MS, type StoredBlob } from '#core/blob-life.ts';
import { digestOf, type Digest } from '#core/digest.ts';
import { openBlobs, type Blobs } from '#core/google/blobs.ts';
import { LeaseLostError, type Publication } from '#core/google/image-holding.ts';
import { openManifests, type Manifest } from '#core/google/manifests.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { countFirestoreCalls } from '#test/firestore-calls.ts';

let cloud: Cloud;
let blobs: Blobs;
before(async () => {
  cloud = await Cloud.start();
  blobs = openBlobs(cloud.firestore);
});
after(() => cloud[Symbol.asyncDispose]());

const object: StoredBlob = { size: 4, crc32c: 'AAAAAA==', generation: '1' };
const DAY_MS = 86_400_000;

let named = 0;
async function newBlob(fields: Record<string, unknown> = {}): Promise<Digest> {
  const digest = digestOf(`blob ${(named += 1)}`);
  await blobs.record(digest, object);
  if (Object.keys(fields).length > 0) await document(digest).update(fields);
  return digest;
}

const document = (digest: Digest) => cloud.firestore.collection('blobs').doc(digest);
const ago = (milliseconds: number): Date => new Date(Date.now() - milliseconds);

function manifestOf(names: readonly Digest[], fields: Partial<Manifest> = {}): Manifest {
  const bytes = Buffer.from(`${names.join()} ${(named += 1)}`);
  return { digest: digestOf(bytes), mediaType: MEDIA_TYPES.manifest, bytes, blobs: names, ...fields };
}

async function publish(
  manifest: Manifest,
  token = 'a',
): Promise<{ publication: Publication; current: unknown }> {
  const { key } = await cloud.newQueued();
  await cloud.images.claim(key, claimant('a'));
  const made = { manifest, revision: 'r1', checkedAt: Date.now() };
  const publication = await cloud.images.publish(key, token, made);
  const { document: image } = await cloud.images.read(key);
  return { publication, current: image?.current?.digest };
}

/** Nothing of it is written. */
async function refused(manifest: Manifest): Promise<Extract<Publication, { kind: 'refused' }>> {
  const { publication, current } = await publish(manifest);
  assert.ok(publication.kind === 'refused');
  assert.equal(current, undefined);
  assert.equal(await openManifests(cloud.firestore).read(manifest.digest), undefined);
  return publication;
}

describe('an image', () => {
  test('is current with all that it names, in one read and one write', async () => {
    const names = await Promise.all(Array.from({ length: 90 }, () => newBlob()));
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('a'));
    const manifest = manifestOf(names);
    using calls = countFirestoreCalls();
    await cloud.images.publish(key, 'a', { manifest, revision: 'r1', checkedAt: Date.now() });
    assert.deepEqual([calls.ended('BatchGetDocuments'), calls.ended('Commit')], [1, 1]);
    assert.deepEqual((await openManifests(cloud.firestore).read(manifest.digest))?.blobs, names);
  });

  test('T2: is not, for a worker whose lease is another’s, and lifts nothing', async () => {
    const tombstone = { placedAt: new Date(), stage: 'liftable' };
    const blob = await newBlob({ tombstone });
    await assert.rejects(publish(manifestOf([blob]), 'another'), LeaseLostError);
    assert.equal((await blobs.see(blob)).document?.tombstone?.stage, 'liftable');
  });

  test('T5, T8, N2: is not, where a blob is not known, or condemned', async () => {
    const condemned = await newBlob({ tombstone: { placedAt: new Date(), stage: 'final' } });
    const unknown = digestOf('never stored');
    const { missing, unseen } = await refused(manifestOf([await newBlob(), condemned, unknown]));
    assert.deepEqual([missing, unseen], [[condemned, unknown], []]);
  });

  test('T8: is not, where nobody saw a blob for an hour', async () => {
    const old = await newBlob({ seenAt: ago(BELIEVED_MS + 60_000) });
    const { missing, unseen } = await refused(manifestOf([await newBlob(), old]));
    assert.deepEqual([missing, unseen.map(({ digest }) => digest)], [[], [old]]);
    const [{ seen } = { seen: undefined }] = unseen;
    assert.ok(
      seen !== undefined && (await blobs.recordFound(old, object, seen)),
      'as it was seen, it is looked at',
    );
    assert.equal((await publish(manifestOf([old]))).publication.kind, 'published');
  });

  test('T7: lifts the tombstones of what it names, and notes seldom that it names it', async () => {
    const lifted = await newBlob({ tombstone: { placedAt: new Date(), stage: 'liftable' } });
    const old = await newBlob({ lastReference: ago(DAY_MS) });
    const fresh = await newBlob();
    const untouched = await blobs.see(fresh);
    const { publication } = await publish(manifestOf([lifted, old, fresh]));
    assert.equal(publication.kind, 'published');
    for (const digest of [lifted, old]) {
      const { document: blob, readTime } = await blobs.see(digest);
      assert.equal(blob?.tombstone, undefined);
      assert.ok(readTime - (blob?.lastReference ?? 0) < BELIEVED_MS);
    }
    assert.deepEqual((await blobs.see(fresh)).version, untouched.version);
  });

  test('T7: is not, where a blob is condemned in the middle of the publication', async () => {
    const blob = await newBlob({ tombstone: { placedAt: new Date(), stage: 'liftable' } });
    const races = Array.from({ length: 10 }, async (_, at) => {
      const [{ publication }] = await Promise.all([
        publish(manifestOf([blob, await newBlob()])),
        at === 5 && document(blob).update({ tombstone: { placedAt: new Date(), stage: 'final' } }),
      ]);
      return publication.kind;
    });
    await Promise.all(races);
    assert.equal((await blobs.see(blob)).document?.tombstone?.stage, 'final', 'nothing lifts what is final');
  });
});

describe('an index', () => {
  test('is current with its images, whose use is noted', async () => {
    const image = manifestOf([await newBlob()]);
    await publish(image);
    const stored = cloud.firestore.collection('manifests').doc(image.digest);
    await stored.update({ usedAt: ago(DAY_MS) });
    const index = manifestOf([], {
      children: [image.digest],
      mediaType: MEDIA_TYPES.index,
      blobs: undefined,
    });
    assert.equal((await publish(index)).publication.kind, 'published');
    const { seconds } = (await stored.get()).get('usedAt') as { seconds: number };
    assert.ok(seconds * 1000 > Date.now() - BELIEVED_MS);
  });

  test('is not, where one of its images is not stored', async () => {
    const gone = digestOf('no manifest');
    const index = manifestOf([], { children: [gone], mediaType: MEDIA_TYPES.index, blobs: undefined });
    assert.deepEqual((await refused(index)).children, [gone]);
  });
});
