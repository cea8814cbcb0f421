import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { BELIEVED_MS } from '#core/blob-life.ts';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { digestHex, digestOf, type Digest } from '#core/digest.ts';
import { openBlobs, type Blobs } from '#core/google/blobs.ts';
import { openBlobBucket, type BlobContent } from '#core/google/bucket.ts';
import { createBlobStore, type BlobStore } from '#worker/blob-store.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';

let cloud: Cloud;
let blobs: Blobs;
let store: BlobStore;
/** How far the clocks of Firestore and the bucket are ahead of this machine's. Milliseconds. */
let ahead = 0;
before(async () => {
  cloud = await Cloud.start({ wallClock: () => Date.now() + ahead });
  blobs = openBlobs(cloud.firestore);
  store = createBlobStore({ bucket: openBlobBucket(PROJECT, BUCKET), blobs });
});
after(() => cloud[Symbol.asyncDispose]());

const never = new AbortController().signal;

let content: BlobContent;
beforeEach(() => {
  const bytes = randomBytes(100);
  content = {
    digest: digestOf(bytes),
    size: bytes.length,
    crc32c: formatCrc32c(crc32c(bytes)),
    from: { bytes },
  };
});

const object = () =>
  new Storage({ projectId: PROJECT }).bucket(BUCKET).file(`blobs/sha256/${digestHex(content.digest)}`);
const document = () => cloud.firestore.collection('blobs').doc(content.digest);

async function generation(): Promise<string> {
  const [metadata] = await object().getMetadata();
  return String(metadata.generation);
}

async function condemn(): Promise<void> {
  await document().update({ tombstone: { placedAt: new Date(), stage: 'final' } });
}

/** As if nobody had come by for this long. */
async function longAgo(milliseconds: number): Promise<void> {
  const moment = new Date(Date.now() - milliseconds);
  await document().update({ lastReference: moment, seenAt: moment });
}

async function isWhole(): Promise<void> {
  const known = await blobs.read(content.digest);
  assert.deepEqual(known, { size: content.size, crc32c: content.crc32c, generation: await generation() });
  const [bytes] = await object().download();
  assert.equal(digestOf(bytes), content.digest);
}

describe('a blob that is stored', () => {
  test('is written once, and known by what was written', async () => {
    await store.store(content, never);
    await isWhole();
    const first = await generation();
    await store.store(content, never);
    assert.equal(await generation(), first);
  });

  test('is known also where another died before he could say that it is there', async () => {
    await store.store(content, never);
    await document().delete();
    const first = await generation();
    await store.store(content, never);
    assert.equal(await generation(), first);
    await isWhole();
  });

  test('T7: is written anew where its object is condemned, and what deletes that one deletes nothing', async () => {
    await store.store(content, never);
    const first = await generation();
    await condemn();
    assert.equal(await blobs.read(content.digest), undefined);
    await store.store(content, never);
    assert.notEqual(await generation(), first);
    await isWhole();
    await assert.rejects(object().delete({ ifGenerationMatch: first }), { code: 412 });
    await isWhole();
  });

  test('T7: is taken as it is where it was written anew while its document still condemns the object before', async () => {
    await store.store(content, never);
    await condemn();
    await object().delete();
    await store.store(content, never);
    await isWhole();
  });

  test('loses its tombstone where that can be lifted', async () => {
    await store.store(content, never);
    const first = await generation();
    await document().update({ tombstone: { placedAt: new Date(), stage: 'liftable' } });
    await store.store(content, never);
    assert.equal(await generation(), first);
    assert.equal((await blobs.see(content.digest)).document?.tombstone, undefined);
  });

  test('T7: is written again where it went between its writing and its record', async () => {
    let isFirst = true;
    const deleting: Blobs = {
      ...blobs,
      async record(...all) {
        if (isFirst) await object().delete();
        const late = isFirst ? -1 : undefined;
        isFirst = false;
        return blobs.record(all[0], all[1], late ?? all[2]);
      },
    };
    await createBlobStore({ bucket: openBlobBucket(PROJECT, BUCKET), blobs: deleting }).store(content, never);
    await isWhole();
  });

  test('is not recorded as just written when that was long ago, while this machine stood still', async () => {
    const bucket = openBlobBucket(PROJECT, BUCKET);
    const recorded: boolean[] = [];
    const slow: Blobs = {
      ...blobs,
      async record(...all) {
        ahead += 60_000;
        const isRecorded = await blobs.record(...all);
        recorded.push(isRecorded);
        return isRecorded;
      },
    };
    await createBlobStore({ bucket, blobs: slow }).store(content, never);
    assert.deepEqual(recorded, [false]);
    await isWhole();
  });

  test('N4: is one object for ten that store it at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => store.store(content, never)));
    await isWhole();
  });

  test('is one new object for ten that store it at once when it is condemned', async () => {
    await store.store(content, never);
    await condemn();
    await Promise.all(Array.from({ length: 10 }, () => store.store(content, never)));
    await isWhole();
  });
});

describe('a look at a blob', () => {
  const check = async (digest: Digest = content.digest) => store.check(digest, await blobs.see(digest));

  test('is noted, and lifts a tombstone', async () => {
    await store.store(content, never);
    await longAgo(2 * BELIEVED_MS);
    await document().update({ tombstone: { placedAt: new Date(), stage: 'liftable' } });
    assert.equal(await check(), 'whole');
    const seen = await blobs.see(content.digest);
    assert.equal(seen.document?.tombstone, undefined);
    assert.ok(seen.readTime - (seen.document?.seenAt ?? 0) < BELIEVED_MS);
  });

  test('T9, N2: of which the object is gone forgets it', async () => {
    await store.store(content, never);
    await object().delete();
    assert.equal(await check(), 'lost');
    assert.equal((await document().get()).exists, false);
  });

  test('T6, T9, N5: of which the object has other bytes, fewer or as many, forgets it', async () => {
    for (const others of [Buffer.from('cut off'), randomBytes(content.size)]) {
      await store.store(content, never);
      await object().save(others, { resumable: false });
      assert.equal(await check(), 'lost');
      assert.equal(await blobs.read(content.digest), undefined);
      await store.store(content, never);
      await isWhole();
    }
  });

  test('that is condemned is none', async () => {
    await store.store(content, never);
    await condemn();
    assert.equal(await check(), 'lost');
    assert.equal((await document().get()).exists, true, 'it says what is being deleted');
  });

  test('forgets nothing that was stored again in the meantime', async () => {
    await store.store(content, never);
    await object().delete();
    const seen = await blobs.see(content.digest);
    const bucket = openBlobBucket(PROJECT, BUCKET);
    let looks = 0;
    const late = createBlobStore({
      blobs,
      bucket: {
        ...bucket,
        async look(digest) {
          const found = await bucket.look(digest);
          if ((looks += 1) === 1) await store.store(content, never);
          return found;
        },
      },
    });
    assert.equal(await late.check(content.digest, seen), 'whole');
    await isWhole();
  });
});
