import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { Bucket, File } from '@google-cloud/storage';
import { clientByEnvironment, rejectsWith, startSubject, type Subject } from './subject.ts';

const big = randomBytes(12_345_678);

describe('downloads', () => {
  let subject: Subject;
  let bucket: Bucket;
  let file: File;
  let url: string;

  before(async () => {
    subject = await startSubject();
    ({ bucket } = subject);
    file = bucket.file('blobs/sha256/x y');
    await file.save(big, { metadata: { cacheControl: 'public, immutable, no-transform' } });
    url = file.publicUrl();
  });
  after(() => subject[Symbol.asyncDispose]());

  test('by the client: all of it, checked, and parts', async () => {
    for (const read of [file, clientByEnvironment(subject.server.url).bucket(bucket.name).file(file.name)]) {
      assert.ok(big.equals(await buffer(read.createReadStream({ validation: 'crc32c' }))));
      assert.ok(big.equals(await buffer(read.createReadStream({ validation: 'md5' }))));
      assert.deepEqual(await buffer(read.createReadStream({ start: 100, end: 199 })), big.subarray(100, 200));
      assert.deepEqual(await buffer(read.createReadStream({ start: big.length - 9 })), big.subarray(-9));
      assert.deepEqual(await buffer(read.createReadStream({ end: -5 })), big.subarray(-5));
      await rejectsWith(416, buffer(read.createReadStream({ start: big.length })));
    }
  });

  test('from the plain URL, with all that a container client looks at', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(url, { method, headers: { 'accept-encoding': 'gzip, zstd' } });
      assert.equal(answer.status, 200);
      const [{ generation }] = await file.getMetadata();
      for (const [header, value] of Object.entries({
        'content-type': 'application/octet-stream',
        'content-length': String(big.length),
        'content-encoding': null,
        'accept-ranges': 'bytes',
        'cache-control': 'public, immutable, no-transform',
        etag: `"${createHash('md5').update(big).digest('hex')}"`,
        'x-goog-generation': String(generation),
        'x-goog-stored-content-length': String(big.length),
      })) {
        assert.equal(answer.headers.get(header), value, `${method} ${header}`);
      }
      assert.match(answer.headers.get('x-goog-hash') ?? '', /^crc32c=\S{8},md5=\S{24}$/);
      const body = Buffer.from(await answer.arrayBuffer());
      assert.ok(body.equals(method === 'GET' ? big : Buffer.alloc(0)));
    }
  });

  test('the type is the object’s own; without one that is said, the bytes are just bytes', async () => {
    await bucket.file('typed').save('{}', { contentType: 'application/vnd.oci.image.config.v1+json' });
    const answer = await fetch(bucket.file('typed').publicUrl());
    assert.equal(answer.headers.get('content-type'), 'application/vnd.oci.image.config.v1+json');
    assert.match(answer.headers.get('cache-control') ?? '', /no-transform/);
  });

  for (const [range, expected] of [
    ['bytes=10-19', [10, 20]],
    ['bytes=0-0', [0, 1]],
    ['bytes=12345000-', [12_345_000, big.length]],
    ['bytes=12345000-99999999', [12_345_000, big.length]],
    ['bytes=-5', [big.length - 5, big.length]],
    ['bytes=-99999999', [0, big.length]],
  ] as const) {
    test(`part ${range}`, async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await fetch(url, { method, headers: { range } });
        const [start, end] = expected;
        assert.equal(answer.status, 206);
        assert.equal(answer.headers.get('content-range'), `bytes ${start}-${end - 1}/${big.length}`);
        assert.equal(answer.headers.get('content-length'), String(end - start));
        if (method === 'HEAD') continue;
        assert.ok(big.subarray(start, end).equals(Buffer.from(await answer.arrayBuffer())));
      }
    });
  }

  test('parts that are not there are 416, and ranges that are none are ignored', async () => {
    for (const range of [`bytes=${big.length}-`, 'bytes=-0', 'bytes=99999999-']) {
      const answer = await fetch(url, { headers: { range } });
      assert.equal(answer.status, 416, range);
      assert.equal(answer.headers.get('content-range'), `bytes */${big.length}`);
      await answer.body?.cancel();
    }
    for (const range of ['bytes=5-2', 'bytes=-', 'lines=1-2', 'bytes=0-1,5-6']) {
      const answer = await fetch(url, { method: 'HEAD', headers: { range } });
      assert.equal(answer.status, 200, range);
    }
    await bucket.file('nothing in it').save('');
    const empty = bucket.file('nothing in it').publicUrl();
    assert.equal((await fetch(empty, { headers: { range: 'bytes=0-' } })).status, 416);
    assert.equal((await fetch(empty)).headers.get('content-length'), '0');
  });

  test('who has it already is told 304, and a range of something else is all of it', async () => {
    const etag = (await fetch(url, { method: 'HEAD' })).headers.get('etag') ?? '';
    for (const tag of [etag, `"x", ${etag}`, `W/${etag}`, '*']) {
      const answer = await fetch(url, { headers: { 'if-none-match': tag } });
      assert.equal(answer.status, 304, tag);
      assert.equal(answer.headers.get('etag'), etag);
    }
    assert.equal((await fetch(url, { method: 'HEAD', headers: { 'if-none-match': '"x"' } })).status, 200);
    const status = async (ifRange: string) =>
      (await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-1', 'if-range': ifRange } })).status;
    assert.equal(await status(etag), 206);
    assert.equal(await status('"x"'), 200);
  });

  test('what is not there is 404 as XML', async () => {
    for (const missing of [`${url}no`, `${subject.server.url}/no-such-bucket/a`]) {
      const answer = await fetch(missing);
      assert.equal(answer.status, 404);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/xml/);
      assert.match(await answer.text(), /<Code>NoSuch(Key|Bucket)<\/Code>/);
      assert.equal((await fetch(missing, { method: 'HEAD' })).status, 404);
    }
  });

  test('who reads while the object is replaced or deleted gets the whole of what it was', async () => {
    for (const change of [
      () => bucket.file('moving').save('other', { resumable: false }),
      () => bucket.file('moving').delete(),
    ]) {
      await bucket.file('moving').save(big);
      const readers = Array.from({ length: 8 }, async () => {
        const answer = await fetch(bucket.file('moving').publicUrl());
        return { status: answer.status, body: answer };
      });
      const open = await Promise.all(readers);
      await change();
      for (const { status, body } of open) {
        assert.equal(status, 200);
        assert.ok(big.equals(Buffer.from(await body.arrayBuffer())));
      }
    }
    const files = await readdir(join(subject.dataFolder, 'files'));
    assert.equal(files.length, (await bucket.getFiles())[0].length, 'the old bytes are gone');
  });

  test('who reads in a race with writers and deletions gets one whole object, or 404', async () => {
    const contents = Array.from({ length: 4 }, (_, i) => Buffer.alloc(200_000, i));
    const racing = bucket.file('racing');
    const race = { over: false };
    const writers = (async () => {
      for (const content of [...contents, ...contents]) {
        await racing.save(content, { resumable: false, validation: false });
        await bucket.file('racing').delete({ ignoreNotFound: true });
      }
      race.over = true;
    })();
    const readers = Array.from({ length: 4 }, async () => {
      do {
        const answer = await fetch(racing.publicUrl());
        const body = Buffer.from(await answer.arrayBuffer());
        if (answer.status === 200) assert.ok(contents.some(content => content.equals(body)));
        else assert.equal(answer.status, 404);
      } while (!race.over);
    });
    await Promise.all([writers, ...readers]);
  });

  test('a download that is cut short is noticed, and can be gone on with', async () => {
    const isDownload = ({ method }: { method: string }) => method === 'GET';
    subject.faults.push({ when: isDownload, times: 1, effect: 'cut answer', afterBytes: 1 << 20 });
    const answer = await fetch(url);
    assert.equal(answer.headers.get('content-length'), String(big.length));
    await assert.rejects(answer.arrayBuffer());
    const rest = await fetch(url, { headers: { range: `bytes=${1 << 20}-` } });
    assert.equal(rest.status, 206);
    assert.ok(big.subarray(1 << 20).equals(Buffer.from(await rest.arrayBuffer())));
  });

  test('a HEAD, and 404, leave the connection in order for the next request', async () => {
    for (const path of ['/x/y', new URL(url).pathname]) {
      for (const method of ['HEAD', 'GET', 'DELETE', 'OPTIONS']) {
        const answer = await fetch(subject.server.url + path, { method, body: null });
        await answer.arrayBuffer();
      }
    }
    assert.equal((await file.getMetadata())[0].size, String(big.length));
  });
});
