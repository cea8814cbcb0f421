// What is left after kill -9, at whatever moment.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startStorage } from '#local/storage/server.ts';
import { clientOf, newBucket, temporaryFolder } from './subject.ts';

const MiB = 1 << 20;
const big = randomBytes(12_345_678);
const onlyOnce = { preconditionOpts: { ifGenerationMatch: 0 } };

describe('a server that is killed', () => {
  let dataFolder: string;
  let child: ChildProcess;
  let url: string;

  before(async () => {
    dataFolder = await temporaryFolder();
    await start();
  });
  after(async () => {
    await kill();
    await rm(dataFolder, { recursive: true });
  });

  async function start(port = 0): Promise<void> {
    const program = join(import.meta.dirname, 'server-process.ts');
    child = fork(program, [dataFolder, String(port)], { stdio: 'inherit' });
    [url] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the server did not start'))),
    ])) as [string];
  }

  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  const restart = async () => {
    await kill();
    await start(Number(new URL(url).port));
  };
  const files = () => readdir(join(dataFolder, 'files'));

  test('has all that it answered: bytes, metadata, preconditions', async () => {
    const bucket = await newBucket(clientOf(url));
    const names = Array.from({ length: 30 }, (_, i) => `object ${i}`);
    await bucket.file('big').save(big);
    await Promise.all(names.map(name => bucket.file(name).save(name, { resumable: false })));
    await bucket.file('object 0').setMetadata({ customTime: '2026-01-01T00:00:00Z' });
    await bucket.file('object 1').delete();
    const [before_] = await bucket.file('object 2').getMetadata();
    await restart();
    assert.equal((await bucket.getFiles())[0].length, 30);
    assert.ok(big.equals((await bucket.file('big').download())[0]));
    for (const name of names.slice(2)) {
      assert.equal((await bucket.file(name).download())[0].toString(), name);
    }
    assert.equal((await bucket.file('object 0').getMetadata())[0].customTime, '2026-01-01T00:00:00Z');
    const { generation = 0 } = before_;
    assert.deepEqual((await bucket.file('object 2').getMetadata())[0].generation, generation);
    await bucket.file('object 2').save('new', { preconditionOpts: { ifGenerationMatch: generation } });
    const now = (await bucket.file('object 2').getMetadata())[0].generation ?? 0;
    assert.ok(BigInt(now) > BigInt(generation));
  });

  test('killed between two chunks it goes on with the upload: the client does so by itself', async () => {
    const bucket = await newBucket(clientOf(url));
    const stream = bucket
      .file('upload')
      .createWriteStream({ resumable: true, chunkSize: 4 * MiB, ...onlyOnce });
    const finished = once(stream, 'finish');
    stream.write(big.subarray(0, 5 * MiB));
    await untilUploadHas(4 * MiB);
    await restart();
    stream.end(big.subarray(5 * MiB));
    await finished;
    assert.ok(big.equals((await bucket.file('upload').download())[0]));

    /** Waits until the one upload that is open has so many bytes on disk. */
    async function untilUploadHas(size: number): Promise<void> {
      const uri = await new Promise<string>(resolve => stream.once('uri', resolve));
      for (let range: string | null = null; range !== `bytes=0-${size - 1}`;) {
        const answer = await fetch(uri, { method: 'PUT', headers: { 'content-range': 'bytes */*' } });
        range = answer.headers.get('range');
      }
    }
  });

  test('T6: killed while bytes come in, it knows how far it got, and nothing is visible', async () => {
    const bucket = await newBucket(clientOf(url));
    const [session] = await bucket.file('torn').createResumableUpload();
    const before_ = await files();
    let sent = 0;
    const slow = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(big.subarray(sent, (sent += 65536)));
          return sent < 2 * MiB ? Promise.resolve() : new Promise(() => undefined);
        },
      });
    const send = (to: string, method: string, headers: Record<string, string>) =>
      fetch(to, { method, body: slow(), duplex: 'half', headers }).then(
        () => assert.fail('it was answered'),
        () => undefined,
      );
    const resumable = send(session, 'PUT', { 'content-range': `bytes 0-*/${big.length}` });
    let range: string | null = null;
    const ask = async () => {
      const answer = await fetch(session, { method: 'PUT', headers: { 'content-range': 'bytes */*' } });
      assert.equal(answer.status, 308);
      return answer.headers.get('range');
    };
    while (range === null) range = await ask();
    sent = 0;
    const media = `${url}/upload/storage/v1/b/${bucket.name}/o?uploadType=media&name=torn2`;
    const simple = send(media, 'POST', {});
    while ((await files()).length < before_.length + 1) await ask();
    await restart();
    await Promise.all([resumable, simple]);
    assert.deepEqual((await bucket.getFiles())[0], []);
    assert.deepEqual(await files(), before_, 'the file of the upload that cannot be gone on with is gone');
    const [, end = ''] = /^bytes=0-(\d+)$/.exec((await ask()) ?? '') ?? [];
    const from = Number(end) + 1;
    assert.ok(from >= 65536 && from <= 2 * MiB);
    const headers = { 'content-range': `bytes ${from}-${big.length - 1}/${big.length}` };
    const rest = await fetch(session, { method: 'PUT', headers, body: big.subarray(from) });
    assert.equal(rest.status, 200);
    assert.ok(big.equals((await bucket.file('torn').download({ validation: 'md5' }))[0]));
    await restart();
    const again = await fetch(session, { method: 'PUT', headers: { 'content-range': 'bytes */*' } });
    assert.equal(again.status, 200, 'the result can still be asked for');
  });

  test('killed at any moment of many uploads, it has exactly those that were answered, or whole ones', async () => {
    const bucket = await newBucket(clientOf(url, { retryOptions: { autoRetry: false } }));
    const answered = new Set<string>();
    const contentOf = (name: string) => Buffer.alloc(100_000, name);
    let killed = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; !killed; i++) {
        const name = `${writer}-${i}`;
        try {
          await bucket.file(name).save(contentOf(name), { resumable: i % 2 === 0, ...onlyOnce });
          answered.add(name);
        } catch {
          return;
        }
        if (answered.size === 25 && !killed) {
          killed = true;
          await restart();
        }
      }
    });
    await Promise.all(writers);
    const [found] = await bucket.getFiles();
    for (const name of answered)
      assert.ok(
        found.some(file => file.name === name),
        `${name} is lost`,
      );
    for (const file of found) assert.ok(contentOf(file.name).equals((await file.download())[0]), file.name);
  });

  test('cleans up at its start, and shares its folder with nobody', async () => {
    await assert.rejects(startStorage({ dataFolder }), /metadata\.sqlite is in use by another process/);
    await writeFile(join(dataFolder, 'files', 'left-over'), 'x');
    await restart();
    assert.ok(!(await files()).includes('left-over'));
  });

  test('an upload that was begun over a week ago is forgotten', async () => {
    const bucket = await newBucket(clientOf(url));
    const before_ = await files();
    const [session] = await bucket.file('old').createResumableUpload();
    assert.equal((await files()).length, before_.length + 1);
    await kill();
    const later = await startStorage({ dataFolder, now: () => Date.now() + 8 * 24 * 60 * 60 * 1000 });
    const { pathname, search } = new URL(session);
    const answer = await fetch(later.url + pathname + search, {
      method: 'PUT',
      headers: { 'content-range': 'bytes */*' },
    });
    await later.close();
    await start();
    assert.equal(answer.status, 404);
    assert.ok((await files()).length <= before_.length);
  });

  test('says so where its port is in use', async () => {
    const other = await temporaryFolder();
    try {
      const port = Number(new URL(url).port);
      await assert.rejects(startStorage({ dataFolder: other, port }), { code: 'EADDRINUSE' });
      await (await startStorage({ dataFolder: other })).close();
    } finally {
      await rm(other, { recursive: true });
    }
  });
});
