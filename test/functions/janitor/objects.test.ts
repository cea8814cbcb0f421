// T5: objects that a killed worker left behind. T9, N2: objects that are lost or are not what they were.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { digestOf, type Digest } from '#core/digest.ts';
import { blobName, openBucketContents, type BucketContents } from '#core/google/bucket-contents.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { Workplace } from '#functions/janitor/sweep.ts';
import { BUCKET, claimant, PROJECT } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { newIndex } from '#test/index-of-two.ts';
import { actedBeside, deletingBeside, killedAfter } from './interleaved.ts';
import { DAY_MS, Yard } from './yard.ts';

let yard: Yard;
let contents: BucketContents;
before(async () => {
  yard = await Yard.open();
  contents = openBucketContents(PROJECT, BUCKET);
});
beforeEach(() => yard.clear());
after(() => yard[Symbol.asyncDispose]());

const sweepObjects = (changes?: Partial<Workplace>) => yard.collect(['objects'], changes);

/** As a worker that is killed between the upload and the note of it. */
async function orphan(text: string): Promise<Digest> {
  const digest = digestOf(text);
  await yard.rawBucket.file(blobName(digest)).save(text, { resumable: false });
  return digest;
}

describe('T5: an object of no document', () => {
  test('gets one once it is old, and goes as all blobs that nothing names', async () => {
    const old = await orphan('left behind');
    assert.deepEqual(await sweepObjects(), {}, 'its worker may be about to note it');
    yard.later(8 * DAY_MS);
    assert.deepEqual(await sweepObjects(), { objects: { adopted: 1 } });
    assert.ok(await yard.hasObject(old));
    assert.ok(await yard.blobs.read(old), 'who names it finds it');
    yard.later(2 * DAY_MS);
    assert.deepEqual(await yard.collect(['manifest-blobs', 'objects', 'tombstones', 'condemned']), {
      tombstones: { condemned: 1 },
      condemned: { deleted: 1 },
    });
    assert.equal(await yard.hasObject(old), false);
  });

  test('is not adopted by a janitor that stood still since it saw it, nor where a worker notes it', async () => {
    const digest = await orphan('slow');
    yard.later(8 * DAY_MS);
    const record = async () => {
      const found = await contents.look(blobName(digest));
      assert.ok(found);
      await yard.blobs.record(digest, found);
    };
    assert.deepEqual(await sweepObjects({ firestore: actedBeside(yard.cloud.firestore, record) }), {});
    assert.equal((await yard.blobs.see(digest)).document?.tombstone, undefined);

    await yard.cloud.firestore.collection('blobs').doc(digest).delete();
    const slow = {
      ...contents,
      list: async (...about: Parameters<typeof contents.list>) => {
        const page = await contents.list(...about);
        yard.later(2 * DAY_MS);
        return page;
      },
    };
    assert.deepEqual(await sweepObjects({ bucket: slow }), { objects: { busy: 1 } });
    assert.equal(await yard.exists('blobs', digest), false);
  });

  test('of a strange name stays, and so does a document of a strange form', async () => {
    await yard.rawBucket.file('blobs/sha256/README').save('not ours', { resumable: false });
    const digest = await orphan('of another version');
    await yard.cloud.firestore.collection('blobs').doc(digest).set({ length: 5 });
    yard.later(8 * DAY_MS);
    assert.deepEqual(await sweepObjects(), { objects: { unknown: 2 } });
    assert.equal((await yard.rawBucket.getFiles())[0].length, 2);
  });
});

describe('T9, N2: a blob', () => {
  /** An index of one image that has the blob, and what else there is. */
  async function usedBlob(text: string) {
    const [config, layer] = [await yard.storeBlob(`config of ${text}`), await yard.storeBlob(text)];
    const image = await yard.publish([config, layer]);
    const index = newIndex(yard.cloud);
    const asked = { by: 'refresh', settings: SETTINGS } as const;
    await yard.cloud.images.queue(index.key, index.request, asked, await yard.cloud.images.read(index.key));
    await yard.cloud.images.claim(index.key, claimant(index.name));
    const children = [image.manifest.digest];
    const bytes = Buffer.from(JSON.stringify({ manifests: children }));
    const manifest = { digest: digestOf(bytes), mediaType: MEDIA_TYPES.index, bytes, children };
    const checkedAt = Date.now();
    await yard.cloud.images.publish(index.key, index.name, { manifest, revision: 'r1', checkedAt });
    const other = await yard.publish([await yard.storeBlob(`of no concern to ${text}`), config]);
    return { config, layer, image, index: { ...index, manifest }, other };
  }

  /** Whatever named the blob is to be made again, and the rest is as it was. */
  async function checkForgotten({
    config,
    layer,
    image,
    index,
    other,
  }: Awaited<ReturnType<typeof usedBlob>>) {
    assert.equal(await yard.exists('blobs', layer), false);
    assert.equal(await yard.hasObject(layer), false);
    for (const { key, manifest } of [image, index]) {
      assert.equal(await yard.exists('manifests', manifest.digest), false);
      const { document } = await yard.cloud.images.read(key);
      assert.equal(document?.current, undefined);
      assert.equal(document?.build.state === 'queued' && document.build.by, 'refresh');
    }
    const facts = await yard.cloud.firestore.collection('layers').where('digest', '==', layer).get();
    assert.ok(facts.empty, 'no worker believes that it is there');
    assert.ok(await yard.blobs.read(config));
    assert.ok(await yard.exists('manifests', other.manifest.digest));
    assert.ok((await yard.cloud.images.read(other.key)).document?.current);
  }

  test('whose object is lost is forgotten with all that names it, which is made again', async () => {
    const used = await usedBlob('lost');
    await yard.rawBucket.file(blobName(used.layer)).delete();
    assert.deepEqual(await sweepObjects(), { objects: { lost: 1 } });
    await checkForgotten(used);
    const hinted = await yard.cloud.takeHints('refresh');
    assert.deepEqual(new Set(hinted), new Set([used.image.key, used.index.key]));
    assert.deepEqual(await sweepObjects(), {});
  });

  test('whose object has other bytes by now is forgotten, and the bytes too', async () => {
    const used = await usedBlob('flipped');
    await yard.rawBucket.file(blobName(used.layer)).save('FLIPPED', { resumable: false });
    assert.deepEqual(await sweepObjects(), { objects: { lost: 1 } });
    await checkForgotten(used);
  });

  test('is forgotten in the end however often the janitor is killed', async () => {
    for (let writes = 0; writes < 5; writes += 1) {
      await yard.clear();
      const used = await usedBlob(`killed after ${writes}`);
      await yard.rawBucket.file(blobName(used.layer)).delete();
      // Index, its image's document, the manifests, and at last the blob: five steps that write.
      await sweepObjects({ firestore: killedAfter(yard.cloud.firestore, writes) });
      assert.ok(await yard.exists('blobs', used.layer), `there is something left to do after ${writes}`);
      await sweepObjects();
      await checkForgotten(used);
    }
  });

  test('that is stored again meanwhile stays with all that names it', async () => {
    const used = await usedBlob('healed');
    const file = yard.rawBucket.file(blobName(used.layer));
    await file.delete();
    const firestore = actedBeside(yard.cloud.firestore, () => yard.storeBlob('healed'));
    assert.deepEqual(await sweepObjects({ firestore }), {});
    for (const { key, manifest } of [used.image, used.index]) {
      assert.ok(await yard.exists('manifests', manifest.digest));
      assert.ok((await yard.cloud.images.read(key)).document?.current);
    }

    // Its bytes being wrong, they are replaced before they are deleted.
    await file.save('HEALED', { resumable: false });
    const bucket = deletingBeside(contents, { before: () => yard.storeBlob('healed') });
    await sweepObjects({ bucket });
    assert.ok(await yard.hasObject(used.layer));
    assert.ok(await yard.blobs.read(used.layer));
  });

  test('whose object was written once more has that noted', async () => {
    const layer = await yard.storeBlob('twice');
    await yard.rawBucket.file(blobName(layer)).save('twice', { resumable: false });
    assert.deepEqual(await sweepObjects(), { objects: { corrected: 1 } });
    const found = await contents.look(blobName(layer));
    assert.equal((await yard.blobs.read(layer))?.generation, found?.generation);
    assert.deepEqual(await sweepObjects(), {});
  });
});

test('a bucket that has none of the blobs is not taken for one that lost them all', async () => {
  await Promise.all(Array.from({ length: 25 }, (_, at) => yard.storeBlob(`blob ${at}`)));
  await new Storage({ projectId: PROJECT }).createBucket('another');
  assert.deepEqual(await sweepObjects({ bucket: openBucketContents(PROJECT, 'another') }), {});
  const told = yard.log.lines.findLast(({ message }) => /a sweep failed/.test(String(message)));
  assert.match(JSON.stringify(told), /DERIVERY_BUCKET has to be the one of the workers/);
  assert.equal((await yard.cloud.firestore.collection('blobs').get()).size, 25);
});

test('a bucket of many blobs that no document tells of is not collected, nor one beside which documents know of others', async () => {
  for (let at = 0; at < 25; at += 1) await orphan(`of another deployment ${at}`);
  yard.later(8 * DAY_MS);
  assert.deepEqual(await sweepObjects(), {});
  const told = yard.log.lines.findLast(({ message }) => /a sweep failed/.test(String(message)));
  assert.match(JSON.stringify(told), /documents tell of none/);
  for (let at = 0; at < 25; at += 1) {
    const blob = await yard.storeBlob(`blob ${at}`);
    await yard.rawBucket.file(blobName(blob)).delete();
  }
  assert.deepEqual(await sweepObjects(), {}, 'they may not have lost all of theirs');
  const documents = await yard.cloud.firestore.collection('blobs').get();
  assert.equal(documents.size, 25);
});

test('the bucket is gone through in parts, each as long as both lists reach', async () => {
  const blobs = await Promise.all(Array.from({ length: 9 }, (_, at) => yard.storeBlob(`part ${at}`)));
  const orphans = await Promise.all(Array.from({ length: 9 }, (_, at) => orphan(`orphan ${at}`)));
  for (const digest of blobs.slice(0, 4)) await yard.rawBucket.file(blobName(digest)).delete();
  yard.later(8 * DAY_MS);
  const small = {
    ...contents,
    list: (prefix: string, behind: string | undefined) => contents.list(prefix, behind, 2),
  };
  assert.deepEqual(await sweepObjects({ bucket: small }), { objects: { adopted: 9, lost: 4 } });
  for (const digest of orphans) assert.ok(await yard.exists('blobs', digest));
});
