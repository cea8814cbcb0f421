import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startSubject, type Subject } from './subject.ts';

describe('what the stand-in does not do is said', () => {
  let subject: Subject;
  before(async () => {
    subject = await startSubject();
    await subject.bucket.file('a').save('a');
  });
  after(() => subject[Symbol.asyncDispose]());

  const calls: Readonly<Record<string, (subject: Subject) => Promise<unknown>>> = {
    'copy and rewrite': ({ bucket }) => bucket.file('a').copy(bucket.file('b')),
    'atomic move': ({ bucket }) => bucket.file('a').moveFileAtomic('b'),
    compose: ({ bucket }) => bucket.combine(['a', 'a'], bucket.file('b')),
    'Content-Encoding': ({ bucket }) => bucket.file('b').save('b', { gzip: true, resumable: false }),
    'predefined ACLs': ({ bucket }) => bucket.file('b').save('b', { public: true, resumable: false }),
    ACLs: ({ bucket }) => bucket.file('a').makePublic(),
    holds: ({ bucket }) => bucket.file('a').setMetadata({ temporaryHold: true }),
    'storage classes': ({ bucket }) => bucket.file('a').setStorageClass('coldline'),
    'listing of versions': ({ bucket }) => bucket.getFiles({ versions: true }),
    'listing up to an offset': ({ bucket }) => bucket.getFiles({ endOffset: 'a' }),
    'buckets with versioning': ({ client }) =>
      client.createBucket('versioned', { versioning: { enabled: true } }),
    lifecycle: ({ bucket }) => bucket.addLifecycleRule({ action: { type: 'Delete' }, condition: { age: 1 } }),
    notifications: ({ bucket }) => bucket.getNotifications(),
    IAM: ({ bucket }) => bucket.iam.getPolicy(),
    'customer-supplied keys': ({ bucket }) =>
      bucket.file('b', { encryptionKey: Buffer.alloc(32) }).save('b', { resumable: true }),
    'signed URLs without keys': async ({ server, bucket }) => {
      const answer = await fetch(`${server.url}/${bucket.name}/a?X-Goog-Algorithm=GOOG4-RSA-SHA256`);
      throw Object.assign(new Error(await answer.text()), { code: answer.status });
    },
    'batch requests': async ({ server }) => {
      const answer = await fetch(`${server.url}/batch/storage/v1`, { method: 'POST' });
      throw Object.assign(new Error(await answer.text()), { code: answer.status });
    },
    'XML multipart uploads': async ({ server, bucket }) => {
      const answer = await fetch(`${server.url}/${bucket.name}/b?uploads`, { method: 'POST' });
      throw Object.assign(new Error(await answer.text()), { code: answer.status });
    },
  };

  for (const [what, call] of Object.entries(calls)) {
    test(what, async () => {
      await assert.rejects(call(subject), (error: { code?: unknown; message: string }) => {
        assert.equal(Number(error.code), 501, error.message);
        assert.match(error.message, /stand-in does not do this: \S+/);
        return true;
      });
      assert.deepEqual(await subject.bucket.file('b').exists(), [false]);
    });
  }

  test('a PUT that is not signed is 403, and what is no request at all 4xx', async () => {
    const { server, bucket } = subject;
    const status = async (path: string, options: RequestInit = {}) =>
      (await fetch(server.url + path, options)).status;
    assert.equal(await status(`/${bucket.name}/b`, { method: 'PUT', body: 'b' }), 403);
    assert.equal(await status(`/${bucket.name}/%zz`), 400);
    const upload = `/upload/storage/v1/b/${bucket.name}/o`;
    assert.equal(await status(`${upload}?uploadType=resumable`, { method: 'POST', body: '{' }), 400);
    assert.equal(await status(`${upload}?uploadType=resumable`, { method: 'POST', body: '{}' }), 400);
    assert.equal(await status(`${upload}?uploadType=x&name=b`, { method: 'POST' }), 400);
    const parameters = 'uploadType=media&name=b&ifGenerationMatch=x';
    assert.equal(await status(`${upload}?${parameters}`, { method: 'POST', body: 'b' }), 400);
    assert.deepEqual(await bucket.file('b').exists(), [false]);
  });
});
