import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Bucket, File, Storage } from '@google-cloud/storage';
import {
  clientByEnvironment,
  clientOf,
  newBucket,
  outcome,
  rejectsWith,
  startSubject,
  type Subject,
} from './subject.ts';

const onlyOnce = { preconditionOpts: { ifGenerationMatch: 0 } };

for (const [how, makeClient] of [
  ['apiEndpoint', clientOf],
  ['STORAGE_EMULATOR_HOST', clientByEnvironment],
] as const) {
  describe(`objects, by ${how}`, () => {
    let subject: Subject;
    let client: Storage;
    let bucket: Bucket;

    before(async () => {
      subject = await startSubject();
      client = makeClient(subject.server.url);
      bucket = await newBucket(client);
    });
    after(() => subject[Symbol.asyncDispose]());

    test('a bucket is created once, found, listed and deleted when it is empty', async () => {
      const { name } = bucket;
      assert.deepEqual(await bucket.exists(), [true]);
      assert.deepEqual(await client.bucket('not-there').exists(), [false]);
      await rejectsWith(409, client.createBucket(name));
      await rejectsWith(400, client.createBucket('No Name'));
      assert.equal((await bucket.getMetadata())[0].name, name);
      assert.ok((await client.getBuckets())[0].some(each => each.name === name));
      const other = await newBucket(client);
      await other.file('a').save('');
      await rejectsWith(409, other.delete());
      await other.file('a').delete();
      await other.delete();
      assert.deepEqual(await other.exists(), [false]);
      await rejectsWith(404, other.file('a').save('', { resumable: false }));
      await rejectsWith(404, other.getFiles());
    });

    test('what was saved is there, with its checksums and metadata, whatever it is called', async () => {
      for (const name of ['a/hello world+%.txt', 'ü/€ 𝄞', 'a//b', '../c', 'q?x=1&y#z', '%2F', "!'()*"]) {
        const file = bucket.file(name);
        const metadata = { cacheControl: 'public, max-age=60', metadata: { k: 'v' } };
        await file.save('hello', { contentType: 'text/plain', metadata });
        const [found] = await file.getMetadata();
        assert.equal(found.name, name);
        assert.equal(found.md5Hash, createHash('md5').update('hello').digest('base64'));
        assert.equal(found.crc32c, 'mnG7TA==');
        assert.equal(found.contentType, 'text/plain');
        assert.equal(found.cacheControl, 'public, max-age=60');
        assert.deepEqual(found.metadata, { k: 'v' });
        assert.equal(String(found.size), '5');
        assert.equal(String(found.metageneration), '1');
        assert.equal((await file.download())[0].toString(), 'hello');
      }
    });

    test('names that Google does not take are refused', async () => {
      for (const name of ['.', '..', 'a\nb', 'ü'.repeat(513), '.well-known/acme-challenge/x']) {
        await rejectsWith(400, bucket.file(name).save('', { resumable: false }));
        await rejectsWith(400, bucket.file(name).save('', { resumable: true }));
      }
    });

    test('what is not there is 404', async () => {
      const file = bucket.file('nothing');
      assert.deepEqual(await file.exists(), [false]);
      await rejectsWith(404, file.download());
      await rejectsWith(404, file.getMetadata());
      await rejectsWith(404, file.setMetadata({ contentType: 'a/b' }));
      await rejectsWith(404, file.delete());
      await file.delete({ ignoreNotFound: true });
    });

    test('an object is created only once, whatever way it is uploaded', async () => {
      for (const resumable of [false, true]) {
        const file = bucket.file(`once ${resumable}`);
        await file.save('1', { resumable, ...onlyOnce });
        await rejectsWith(412, file.save('2', { resumable, ...onlyOnce }));
        assert.equal((await file.download())[0].toString(), '1');
      }
    });

    test('of 10 who race to create an object one wins, and the others are told', async () => {
      for (const resumable of [false, true]) {
        const writers = Array.from({ length: 10 }, async (_, i) => {
          const saved = bucket.file(`race ${resumable}`).save(`writer ${i}`, { resumable, ...onlyOnce });
          return [await outcome(saved), i] as const;
        });
        const outcomes = await Promise.all(writers);
        const winners = outcomes.filter(([what]) => what === 'created');
        assert.equal(winners.length, 1, JSON.stringify(outcomes));
        assert.equal(outcomes.filter(([what]) => what === '412').length, 9, JSON.stringify(outcomes));
        const [content] = await bucket.file(`race ${resumable}`).download();
        assert.equal(content.toString(), `writer ${winners[0]?.[1]}`);
      }
    });

    test('an object is replaced only where it is the generation that was meant', async () => {
      const file = bucket.file('replaced');
      await file.save('1');
      const { generation = 0 } = (await file.getMetadata())[0];
      await file.save('2', { preconditionOpts: { ifGenerationMatch: generation } });
      await rejectsWith(412, file.save('3', { preconditionOpts: { ifGenerationMatch: generation } }));
      const now = (await file.getMetadata())[0].generation ?? 0;
      assert.ok(BigInt(now) > BigInt(generation));
      await rejectsWith(412, file.save('4', { preconditionOpts: { ifGenerationNotMatch: now } }));
      await rejectsWith(412, bucket.file('none').save('', { preconditionOpts: { ifGenerationMatch: 5 } }));
      await rejectsWith(412, bucket.file('none').save('', { preconditionOpts: { ifGenerationNotMatch: 0 } }));
      assert.equal((await file.download())[0].toString(), '2');
    });

    test('a read may depend on the generation, and name it', async () => {
      const file = bucket.file('read');
      await file.save('1');
      const { generation = 0 } = (await file.getMetadata())[0];
      await rejectsWith(304, bucket.file('read').getMetadata({ ifGenerationNotMatch: generation } as object));
      await rejectsWith(412, bucket.file('read').getMetadata({ ifGenerationMatch: 1 } as object));
      await rejectsWith(304, bucket.file('read').getMetadata({ ifMetagenerationNotMatch: 1 } as object));
      const exactly = bucket.file('read', { generation });
      assert.equal((await exactly.download())[0].toString(), '1');
      await file.save('2');
      await rejectsWith(404, exactly.download());
    });

    test('a deletion may depend on the generation, and name it', async () => {
      const file = bucket.file('deleted');
      await file.save('1');
      const { generation = 0 } = (await file.getMetadata())[0];
      await rejectsWith(412, file.delete({ ifGenerationMatch: 1 }));
      await rejectsWith(404, bucket.file('deleted', { generation: 1 }).delete());
      await bucket.file('deleted', { generation }).delete();
      assert.deepEqual(await file.exists(), [false]);
    });

    test('metadata is changed field by field', async () => {
      const file = bucket.file('changed');
      await file.save('x', { contentType: 'a/b', metadata: { metadata: { a: '1', b: '2' } } });
      const before_ = (await file.getMetadata())[0];
      await file.setMetadata({ cacheControl: 'no-store', metadata: { a: null, c: '3' } });
      const [changed] = await file.getMetadata();
      assert.deepEqual(changed.metadata, { b: '2', c: '3' });
      assert.equal(changed.cacheControl, 'no-store');
      assert.equal(changed.contentType, 'a/b');
      assert.equal(String(changed.metageneration), '2');
      assert.equal(changed.generation, before_.generation);
      await rejectsWith(412, file.setMetadata({ contentType: 'c/d' }, { ifMetagenerationMatch: 1 }));
      await file.setMetadata({ contentType: 'c/d' }, { ifMetagenerationMatch: 2 });
      await rejectsWith(400, file.setMetadata({ contentType: 'a\r\nX-Evil: 1' }));
      assert.equal((await file.getMetadata())[0].contentType, 'c/d');
    });

    test('custom time moves on only, and is the one field that counts as a last use', async () => {
      const file = bucket.file('used');
      await file.save('x');
      await file.setMetadata({ customTime: '2026-01-02T00:00:00Z' });
      await file.setMetadata({ customTime: '2026-01-03T00:00:00Z' });
      await rejectsWith(400, file.setMetadata({ customTime: '2026-01-02T23:59:59Z' }));
      await rejectsWith(400, file.setMetadata({ customTime: 'yesterday' }));
      assert.equal((await file.getMetadata())[0].customTime, '2026-01-03T00:00:00Z');
    });

    test('a listing has prefixes, pages, and the order of the bytes in UTF-8', async () => {
      // U+FFFD is after U+10000 in UTF-16, and before it in UTF-8.
      const names = ['l/a', 'l/b/1', 'l/b/2', 'l/c/1', 'l/d', 'l/é', 'l/\u{fffd}', 'l/\u{10000}'];
      await Promise.all(['k', ...names, 'm'].map(name => bucket.file(name).save('', { resumable: false })));
      const [all] = await bucket.getFiles({ prefix: 'l/' });
      assert.deepEqual(
        all.map(file => file.name),
        names,
      );
      const pages: string[][] = [];
      const query = { prefix: 'l/', delimiter: '/', maxResults: 2, autoPaginate: false };
      for (let next: object | undefined = query; next !== undefined;) {
        const page: unknown[] = await bucket.getFiles(next);
        const [files, following, answer] = page as [File[], object | undefined, { prefixes?: string[] }];
        pages.push([...files.map(file => file.name), ...(answer.prefixes ?? [])]);
        next = following ?? undefined;
      }
      assert.deepEqual(pages, [['l/a', 'l/b/'], ['l/d', 'l/c/'], ['l/é', 'l/\u{fffd}'], ['l/\u{10000}']]);
      assert.deepEqual((await bucket.getFiles({ prefix: 'nothing' }))[0], []);

      // From an offset on, which is listed itself, in the same order; one before the prefix changes nothing.
      for (const [startOffset, first] of [
        ['l/c/1', 'l/c/1'],
        ['l/c/11', 'l/d'],
        ['l/\u{fffd}', 'l/\u{fffd}'],
        ['k', 'l/a'],
      ] as const) {
        const [files] = await bucket.getFiles({ prefix: 'l/', startOffset });
        const found = files.map(file => file.name);
        assert.deepEqual(found, names.slice(names.indexOf(first)), startOffset);
      }
      const [firstTwo] = await bucket.getFiles({
        prefix: 'l/',
        startOffset: 'l/b/2',
        maxResults: 2,
        autoPaginate: false,
      });
      assert.deepEqual(
        firstTwo.map(file => file.name),
        ['l/b/2', 'l/c/1'],
      );
      assert.deepEqual((await bucket.getFiles({ prefix: 'l/', startOffset: 'm' }))[0], []);
      await bucket.deleteFiles({ prefix: 'l/' });
      assert.deepEqual((await bucket.getFiles({ prefix: 'l' }))[0], []);
    });
  });
}

test('generations go up where the clock stands still or goes back', async () => {
  let now = Date.now();
  await using subject = await startSubject({ now: () => now });
  const generations: bigint[] = [];
  for (const step of [0, 0, -60_000, -60_000]) {
    now += step;
    const file = subject.bucket.file('timeless');
    await file.save('x', { resumable: false });
    generations.push(BigInt((await file.getMetadata())[0].generation ?? 0));
    await file.delete();
  }
  assert.deepEqual(
    generations.toSorted((a, b) => Number(a - b)),
    generations,
  );
  assert.equal(new Set(generations).size, generations.length);
});
