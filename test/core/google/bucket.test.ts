import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { digestHex, digestOf } from '#core/digest.ts';
import { TransientError } from '#core/errors.ts';
import { openBlobBucket, type BlobBucket, type BlobContent } from '#core/google/bucket.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';

let cloud: Cloud;
let blobs: BlobBucket;
let folder: string;
before(async () => {
  cloud = await Cloud.start();
  blobs = openBlobBucket(PROJECT, BUCKET);
  folder = await mkdtemp(join(tmpdir(), 'derivery-bucket-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
  await cloud[Symbol.asyncDispose]();
});

/** From here on the adapter uploads in the resumable way. */
const RESUMABLE = 8 << 20;

function contentOf(bytes: Buffer, from: BlobContent['from'] = { bytes }): BlobContent {
  return { digest: digestOf(bytes), size: bytes.length, crc32c: formatCrc32c(crc32c(bytes)), from };
}

async function fileWith(bytes: Buffer): Promise<{ file: string }> {
  const file = join(folder, digestHex(digestOf(bytes)));
  await writeFile(file, bytes);
  return { file };
}

/** What a client that was redirected gets. */
async function fetched(content: BlobContent): Promise<Buffer> {
  const response = await fetch(`${cloud.storageUrl}/${BUCKET}/blobs/sha256/${digestHex(content.digest)}`);
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

const object = (content: BlobContent) =>
  new Storage({ projectId: PROJECT }).bucket(BUCKET).file(`blobs/sha256/${digestHex(content.digest)}`);

describe('the bucket', () => {
  const sizes: readonly [what: string, size: number][] = [
    ['no bytes', 0],
    ['a config', 600],
    ['a large layer, resumable', RESUMABLE + 12_345],
  ];
  for (const [what, size] of sizes) {
    test(`stores ${what}, from memory and from a file, under its digest`, async () => {
      const inMemory = randomBytes(size);
      const onDisk = size === 0 ? inMemory : randomBytes(size);
      for (const content of [contentOf(inMemory), contentOf(onDisk, await fileWith(onDisk))]) {
        const stored = await blobs.put(content);
        assert.equal(stored.size, size);
        assert.equal(stored.crc32c, content.crc32c);
        const [{ generation }] = await object(content).getMetadata();
        assert.equal(stored.generation, generation);
        assert.match(stored.generation, /^[1-9][0-9]*$/);
        assert.equal(digestOf(await fetched(content)), content.digest);
      }
    });

    test(`finds ${what} that is there: it is not written again`, async () => {
      const content = contentOf(randomBytes(size));
      const first = await blobs.put(content);
      assert.deepEqual(await blobs.put(content), { ...first, isNew: false });
    });
  }

  for (const size of [600, RESUMABLE]) {
    test(`T6: replaces what is there with other bytes, fewer or as many (${size})`, async () => {
      for (const others of [Buffer.from('not these bytes'), randomBytes(size)]) {
        const content = contentOf(randomBytes(size));
        await object(content).save(others, { resumable: false });
        const stored = await blobs.put(content);
        assert.equal(stored.crc32c, content.crc32c);
        assert.equal(digestOf(await fetched(content)), content.digest);
      }
    });

    test(`T6: refuses bytes that have another checksum, and keeps nothing of them (${size})`, async () => {
      const content = { ...contentOf(randomBytes(size)), crc32c: 'AAAAAA==' };
      await assert.rejects(blobs.put(content), (error: unknown) => {
        assert.ok(error instanceof TransientError, String(error));
        assert.ok(error.message.includes(content.digest), error.message);
        return true;
      });
      assert.deepEqual(await object(content).exists(), [false]);
    });
  }

  test('T6: does not take a spool file that was cut short for the blob', async () => {
    const bytes = randomBytes(5_000);
    const content = contentOf(bytes, await fileWith(bytes));
    await writeFile(join(folder, digestHex(content.digest)), bytes.subarray(0, 100));
    await assert.rejects(blobs.put(content), TransientError);
    assert.deepEqual(await object(content).exists(), [false]);
  });

  test('says that a spool file is gone', async () => {
    const content = contentOf(randomBytes(10), { file: join(folder, 'gone') });
    await assert.rejects(blobs.put(content), /cannot store blob sha256:.*ENOENT/);
  });

  test('stores one blob for ten at once', async () => {
    const content = contentOf(randomBytes(1_000));
    const stored = await Promise.all(Array.from({ length: 10 }, () => blobs.put(content)));
    assert.equal(new Set(stored.map(({ generation }) => generation)).size, 1);
  });

  test('says whether it is there', async () => {
    assert.equal(await blobs.exists(), true);
    assert.equal(await openBlobBucket(PROJECT, 'no-such-bucket').exists(), false);
  });
});

test('a read that is answered 503 fails, and ends nothing but itself', async () => {
  const content = contentOf(randomBytes(100));
  await blobs.put(content);
  cloud.storageFaults.push({ effect: 'answer', status: 503, times: 1 });
  await assert.rejects(buffer(blobs.read(content.digest)), { code: 503 });
  assert.equal(digestOf(await buffer(blobs.read(content.digest))), content.digest);
});
