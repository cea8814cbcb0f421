import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Bucket, IdempotencyStrategy, type StorageOptions } from '@google-cloud/storage';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import {
  clientByEnvironment,
  clientOf,
  outcome,
  rejectsWith,
  startSubject,
  type Subject,
} from './subject.ts';

const MiB = 1 << 20;
const big = randomBytes(12_345_678);
const onlyOnce = { preconditionOpts: { ifGenerationMatch: 0 } };

describe('uploads', () => {
  let subject: Subject;
  let bucket: Bucket;

  before(async () => {
    subject = await startSubject();
    ({ bucket } = subject);
  });
  after(() => subject[Symbol.asyncDispose]());

  async function assertIs(name: string, bytes: Buffer): Promise<void> {
    const [found] = await bucket.file(name).getMetadata();
    assert.equal(Number(found.size), bytes.length);
    assert.equal(found.md5Hash, md5(bytes));
    assert.equal(found.crc32c, formatCrc32c(crc32c(bytes)));
    // By its plain URL, which the client neither checks nor retries.
    const answer = await fetch(bucket.file(name).publicUrl());
    assert.ok(bytes.equals(Buffer.from(await answer.arrayBuffer())), `${name} has other bytes`);
  }

  /** The files that the server has on disk, whoever owns them. */
  const files = () => readdir(join(subject.dataFolder, 'files'));

  test('in one request', async () => {
    for (const size of [0, 1, 300_000]) {
      const bytes = big.subarray(0, size);
      await bucket.file(`multipart ${size}`).save(bytes, { resumable: false, validation: 'md5' });
      await assertIs(`multipart ${size}`, bytes);
    }
  });

  test('of the bytes alone', async () => {
    const url = `${subject.server.url}/upload/storage/v1/b/${bucket.name}/o?uploadType=media&name=media`;
    const answer = await fetch(url, { method: 'POST', body: big, headers: { 'content-type': 'a/b' } });
    assert.equal(answer.status, 200);
    assert.equal(((await answer.json()) as { contentType: string }).contentType, 'a/b');
    await assertIs('media', big);
  });

  for (const [what, options] of [
    ['in one piece', {}],
    ['in chunks', { chunkSize: MiB }],
    ['in a chunk that is just its size', { chunkSize: 16 * MiB }],
    ['checked by MD5', { chunkSize: 4 * MiB, validation: 'md5' }],
  ] as const) {
    test(`resumable, ${what}, of a file`, async () => {
      const path = join(subject.dataFolder, 'big.bin');
      await writeFile(path, big);
      await bucket.upload(path, { destination: `file ${what}`, resumable: true, ...options });
      await assertIs(`file ${what}`, big);
    });

    test(`resumable, ${what}, of a stream whose length nobody knows`, async () => {
      const stream = bucket.file(`stream ${what}`).createWriteStream({ resumable: true, ...options });
      await pipeline(pieces(big), stream);
      await assertIs(`stream ${what}`, big);
    });
  }

  test('resumable, of nothing', async () => {
    await bucket.file('empty').save('', { resumable: true });
    await assertIs('empty', Buffer.alloc(0));
  });

  test('through the environment variable', async () => {
    const file = clientByEnvironment(subject.server.url).bucket(bucket.name).file('environment');
    await file.save(big, { resumable: true, chunkSize: 4 * MiB, ...onlyOnce });
    await assertIs('environment', big);
  });

  test('what is not what was declared is refused, and nothing of it is there', async () => {
    const before_ = await files();
    const wrong = [{ crc32c: 'AAAAAA==' }, { md5Hash: md5(Buffer.from('other')) }];
    for (const resumable of [false, true]) {
      for (const metadata of wrong) {
        const saved = bucket.file('wrong').save(big, { resumable, validation: false, metadata });
        await rejectsWith(400, saved);
        assert.deepEqual(await bucket.file('wrong').exists(), [false]);
      }
    }
    for (const hash of ['crc32c=AAAAAA==', `md5=${md5(Buffer.alloc(1))}`, 'sha256=x']) {
      const url = `${subject.server.url}/upload/storage/v1/b/${bucket.name}/o?uploadType=media&name=wrong`;
      const answer = await fetch(url, { method: 'POST', body: big, headers: { 'x-goog-hash': hash } });
      assert.equal(answer.status, 400, hash);
    }
    const session = await begin('wrong');
    const answer = await put(session, big, undefined, { 'x-goog-hash': 'crc32c=AAAAAA==' });
    assert.equal(answer.status, 400);
    assert.equal((await put(session, '', 'bytes */*')).status, 404, 'the upload is over');
    assert.deepEqual(await bucket.file('wrong').exists(), [false]);
    assert.deepEqual(await files(), before_, 'the bytes are gone');
  });

  test('declared rightly they are taken, also where the object is replaced', async () => {
    const metadata = { crc32c: formatCrc32c(crc32c(big)), md5Hash: md5(big) };
    for (const resumable of [false, true]) {
      const before_ = (await files()).length;
      await bucket.file('replaced').save('before', { resumable });
      await bucket.file('replaced').save(big, { resumable, metadata });
      await assertIs('replaced', big);
      await bucket.file('replaced').delete();
      assert.equal((await files()).length, before_, 'no file is left over');
    }
  });

  describe('the protocol of resumable uploads', () => {
    const half = 8 * MiB;

    test('says how far it got, and goes on from there', async () => {
      const session = await begin('half');
      assert.deepEqual(await progress(session), [308, null]);
      let answer = await put(session, big.subarray(0, half), `bytes 0-${half - 1}/${big.length}`);
      assert.deepEqual([answer.status, answer.headers.get('range')], [308, `bytes=0-${half - 1}`]);
      assert.deepEqual(await progress(session), [308, `bytes=0-${half - 1}`]);
      assert.deepEqual(await bucket.file('half').exists(), [false]);
      answer = await put(session, big.subarray(half), `bytes ${half}-${big.length - 1}/${big.length}`);
      assert.equal(answer.status, 200);
      await assertIs('half', big);
    });

    test('skips what comes again, and does not take what would leave a gap', async () => {
      const session = await begin('overlap');
      await put(session, big.subarray(0, half), `bytes 0-${half - 1}/*`);
      let answer = await put(session, big.subarray(half + MiB), `bytes ${half + MiB}-*/${big.length}`);
      assert.deepEqual([answer.status, answer.headers.get('range')], [308, `bytes=0-${half - 1}`]);
      // The first 4 MiB again, 4 MiB that overlap, and the rest.
      answer = await put(session, big.subarray(0, 4 * MiB), `bytes 0-${4 * MiB - 1}/*`);
      assert.equal(answer.headers.get('range'), `bytes=0-${half - 1}`);
      const [from, to] = [half - MiB, half + 3 * MiB];
      answer = await put(session, big.subarray(from, to), `bytes ${from}-${to - 1}/*`);
      assert.equal(answer.headers.get('range'), `bytes=0-${to - 1}`);
      answer = await put(session, big.subarray(to - 17), `bytes ${to - 17}-*/*`);
      assert.equal(answer.status, 200);
      await assertIs('overlap', big);
    });

    test('tells the result again to who did not hear it', async () => {
      const session = await begin('again');
      const first = await put(session, big);
      const result = (await first.json()) as { generation: string };
      for (const range of ['bytes */*', `bytes */${big.length}`, `bytes 0-${big.length - 1}/${big.length}`]) {
        const again = await put(session, range.startsWith('bytes 0') ? big : '', range);
        assert.equal(again.status, 200, range);
        assert.equal(((await again.json()) as { generation: string }).generation, result.generation);
      }
    });

    test('ends with a cancellation', async () => {
      const before_ = await files();
      const session = await begin('cancelled');
      await put(session, big.subarray(0, half), `bytes 0-${half - 1}/*`);
      assert.equal((await fetch(session, { method: 'DELETE' })).status, 499);
      assert.equal((await put(session, '', 'bytes */*')).status, 404);
      assert.equal((await fetch(session, { method: 'DELETE' })).status, 404);
      assert.deepEqual(await bucket.file('cancelled').exists(), [false]);
      assert.deepEqual(await files(), before_);
    });

    test('refuses what contradicts itself', async () => {
      const session = await begin('contradictory');
      for (const [bytes, range] of [
        [10, 'bytes 0-9/*'], // not a multiple of 256 KiB, and not the last
        [10, 'bytes 0-19/20'], // fewer bytes than announced
        [30, 'bytes 0-19/20'], // more
        [10, 'bytes 9-0/20'],
        [10, 'bytes 0-9/5'],
        [10, '0-9/10'],
      ] as const) {
        assert.equal((await put(session, big.subarray(0, bytes), range)).status, 400, range);
      }
      assert.deepEqual(await bucket.file('contradictory').exists(), [false]);
    });

    test('checks the precondition when it begins, and again when it ends', async () => {
      const session = await begin('late', '&ifGenerationMatch=0');
      await bucket.file('late').save('first');
      assert.equal((await put(session, big)).status, 412);
      assert.equal((await bucket.file('late').download())[0].toString(), 'first');
    });
  });

  // Each with a client of its own: the last test here says why.
  describe('over a bad network', () => {
    const fresh = (name: string, options: StorageOptions = {}) =>
      clientOf(subject.server.url, options).bucket(bucket.name).file(name);

    test('T6: a resumable upload whose connection is cut goes on by itself', async () => {
      const received: string[] = [];
      const observe = ({ method, headers }: { method: string; headers: IncomingHttpHeaders }) => {
        if (method === 'PUT') received.push(headers['content-range'] ?? '');
        return false;
      };
      const isSecondChunk = ({ headers }: { headers: IncomingHttpHeaders }) =>
        (headers['content-range'] ?? '').startsWith(`bytes ${4 * MiB}-`);
      subject.faults.push(
        { when: isSecondChunk, times: 1, effect: 'cut', afterBytes: MiB },
        { when: observe, times: 1, effect: 'delay', milliseconds: 0 },
      );
      const stream = fresh('cut').createWriteStream({ resumable: true, chunkSize: 4 * MiB, ...onlyOnce });
      await pipeline(pieces(big), stream);
      await assertIs('cut', big);
      assert.deepEqual(received, [
        `bytes 0-${4 * MiB - 1}/*`,
        `bytes ${4 * MiB}-${8 * MiB - 1}/*`,
        'bytes */*',
        `bytes ${5 * MiB}-${9 * MiB - 1}/*`,
        `bytes ${9 * MiB}-${big.length - 1}/${big.length}`,
      ]);
      assert.equal(subject.faults.splice(0).length, 1, 'only the observer is left');
    });

    test('as one that is answered 503 in the middle does', async () => {
      const isChunk = ({ method }: { method: string }) => method === 'PUT';
      subject.faults.push({ when: isChunk, times: 1, effect: 'answer', status: 503, afterBytes: 3 * MiB });
      await fresh('503').save(big, { resumable: true, chunkSize: 4 * MiB, ...onlyOnce });
      await assertIs('503', big);
      assert.deepEqual(subject.faults, []);
    });

    test('without a precondition nothing is sent again: the client leaves it to the caller', async () => {
      const isChunk = ({ method }: { method: string }) => method === 'PUT';
      subject.faults.push({ when: isChunk, times: 1, effect: 'cut', afterBytes: MiB });
      await assert.rejects(fresh('not again').save(big, { resumable: true, chunkSize: 4 * MiB }));
      assert.deepEqual(await bucket.file('not again').exists(), [false]);
    });

    test('when the last answer gets lost the client fails, but the object is there and the next try is told so', async () => {
      subject.faults.push({
        when: ({ method, headers }) =>
          method === 'PUT' && (headers['content-range'] ?? '').endsWith(`/${big.length}`),
        times: 1,
        effect: 'cut answer',
        afterBytes: 0,
      });
      const save = () => fresh('lost answer').save(big, { resumable: true, chunkSize: 8 * MiB, ...onlyOnce });
      // Asked how far it got, the server says 200: it is complete. The client takes that for no bytes at all.
      await assert.rejects(save(), /The server has 0 bytes/);
      assert.deepEqual(subject.faults, []);
      await assertIs('lost answer', big);
      await rejectsWith(412, save());
    });

    test('an upload in one request that is cut leaves nothing', async () => {
      const before_ = await files();
      const isUpload = ({ path }: { path: string }) => path.startsWith('/upload/');
      subject.faults.push({ when: isUpload, times: 1, effect: 'cut', afterBytes: MiB });
      const url = `${subject.server.url}/upload/storage/v1/b/${bucket.name}/o?uploadType=media&name=torn`;
      await assert.rejects(fetch(url, { method: 'POST', body: big }));
      assert.deepEqual(await bucket.file('torn').exists(), [false]);
      assert.deepEqual(await files(), before_);
    });

    test('one write without a precondition ends all retries of a client, unless it is told to retry always', async () => {
      const always = { retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways } };
      for (const [options, expected] of [
        [{}, '503'],
        [always, 'created'],
      ] as const) {
        const client = clientOf(subject.server.url, options);
        const [first, second] = ['first', 'second'].map(name => () => client.bucket(bucket.name).file(name));
        await first?.().save('', { resumable: false });
        const isUpload = ({ path }: { path: string }) => path.startsWith('/upload/');
        subject.faults.push({ when: isUpload, times: 1, effect: 'answer', status: 503 });
        const saved = second?.().save('', { resumable: false, ...onlyOnce }) ?? Promise.reject(new Error());
        assert.equal(await outcome(saved), expected);
        assert.deepEqual(subject.faults, []);
      }
    });

    test('who sends an upload again takes it over from the connection that hangs', async () => {
      const session = await begin('taken over');
      const hanging = new AbortController();
      let sent = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(big.subarray(sent * 65536, (sent + 1) * 65536));
          // Then nothing comes any more, and the connection stays open.
          return ++sent < 20 ? Promise.resolve() : new Promise(() => undefined);
        },
      });
      const first = outcome(
        fetch(session, {
          method: 'PUT',
          body,
          duplex: 'half',
          signal: hanging.signal,
          headers: { 'content-range': 'bytes 0-*/*' },
        }),
      );
      let range: string | null = null;
      while (range === null) [, range] = await progress(session);
      assert.equal((await put(session, big)).status, 200);
      assert.notEqual(await first, 'created');
      await assertIs('taken over', big);
    });
  });

  async function begin(name: string, parameters = ''): Promise<string> {
    const query = `uploadType=resumable&name=${encodeURIComponent(name)}${parameters}`;
    const url = `${subject.server.url}/upload/storage/v1/b/${bucket.name}/o?${query}`;
    const answer = await fetch(url, { method: 'POST' });
    assert.equal(answer.status, 200);
    return answer.headers.get('location') ?? '';
  }
});

async function progress(session: string): Promise<[status: number, range: string | null]> {
  const answer = await put(session, '', 'bytes */*');
  return [answer.status, answer.headers.get('range')];
}

function put(
  session: string,
  body: Buffer | string,
  range?: string,
  headers: object = {},
): Promise<Response> {
  const contentRange = range !== undefined && { 'content-range': range };
  return fetch(session, { method: 'PUT', body: body as never, headers: { ...contentRange, ...headers } });
}

function pieces(bytes: Buffer): Readable {
  const starts = Array.from({ length: Math.ceil(bytes.length / 65536) }, (_, i) => i * 65536);
  return Readable.from(starts.map(start => bytes.subarray(start, start + 65536)));
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64');
}
