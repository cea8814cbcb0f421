// Signed URLs, as the registry makes them: by Google's client, without a key, through signBlob.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Bucket } from '@google-cloud/storage';
import { startIamCredentials, type IamCredentialsServer } from '#local/iam-credentials/server.ts';
import { signingClient } from './signing-client.ts';
import { startSubject, type Subject, temporaryFolder } from './subject.ts';

const HOUR = 60 * 60_000;
const email = 'registry@test.iam.gserviceaccount.com';

describe('signed URLs', () => {
  let keyFolder: string;
  let iam: IamCredentialsServer;
  let subject: Subject;
  let bucket: Bucket;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  let ahead = 0;

  before(async () => {
    keyFolder = await temporaryFolder();
    iam = await startIamCredentials({ dataFolder: keyFolder });
    subject = await startSubject({
      verifyKey: account => iam.publicKeyOf(account),
      now: () => Date.now() + ahead,
    });
    bucket = signingClient(subject.server.url, email).bucket(subject.bucket.name);
    await subject.bucket.file('blobs/ü +%').save('signed');
    await subject.bucket.file('other').save('other');
  });
  after(async () => {
    await subject[Symbol.asyncDispose]();
    await iam.close();
    await rm(keyFolder, { recursive: true });
  });

  const sign = async (name: string, options: object = {}): Promise<string> => {
    const [url] = await bucket.file(name).getSignedUrl({
      version: 'v4',
      action: 'read',
      expires: Date.now() + HOUR,
      signingEndpoint: iam.signingEndpoint,
      ...options,
    });
    return url;
  };

  /** What a plain GET of it says: the status, and the content or the code of the error. */
  const get = async (url: string, options: RequestInit = {}): Promise<[number, string]> => {
    const answer = await fetch(url, options);
    const text = await answer.text();
    return [answer.status, /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? text];
  };

  test('are signed without a key, and work for a plain GET, with Range too', async () => {
    const url = await sign('blobs/ü +%');
    assert.match(url, new RegExp(`^${subject.server.url}/${bucket.name}/`));
    assert.deepEqual(await get(url), [200, 'signed']);
    assert.deepEqual(await get(url, { headers: { range: 'bytes=1-2' } }), [206, 'ig']);
  });

  test('are good for one method', async () => {
    const url = await sign('blobs/ü +%');
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 403);
    assert.deepEqual(await get(url, { method: 'PUT', body: 'x' }), [403, 'SignatureDoesNotMatch']);
  });

  test('T11: are good for an hour, and then 400 as at Google', async () => {
    const url = await sign('blobs/ü +%');
    try {
      ahead = HOUR - 60_000;
      assert.deepEqual(await get(url), [200, 'signed']);
      ahead = HOUR + 60_000;
      assert.deepEqual(await get(url), [400, 'ExpiredToken']);
      ahead = -HOUR;
      assert.deepEqual(await get(url), [403, 'RequestTimeTooSkewed']);
    } finally {
      ahead = 0;
    }
  });

  test('are refused when they were tampered with', async () => {
    const url = await sign('blobs/ü +%');
    const changed = (change: (url: URL) => void) => {
      const copy = new URL(url);
      change(copy);
      return copy.href;
    };
    const set = (name: string, value: string) => changed(each => each.searchParams.set(name, value));
    const credential = new URL(url).searchParams.get('X-Goog-Credential') ?? '';
    for (const [tampered, code] of [
      [changed(each => (each.pathname = `/${bucket.name}/other`)), 'SignatureDoesNotMatch'],
      [set('X-Goog-Expires', '9999'), 'SignatureDoesNotMatch'],
      [set('response-content-type', 'text/html'), 'NotImplemented'],
      [set('x-goog-more', '1'), 'SignatureDoesNotMatch'],
      [set('X-Goog-Credential', credential.replace('registry', 'nobody')), 'InvalidAccessKeyId'],
      [set('X-Goog-Signature', 'ab'.repeat(256)), 'SignatureDoesNotMatch'],
      [set('X-Goog-Signature', 'x'), 'MalformedSecurityHeader'],
      [set('X-Goog-Algorithm', 'none'), 'MalformedSecurityHeader'],
      [set('X-Goog-Date', '20260230T990000Z'), 'InvalidArgument'],
      [set('X-Goog-Expires', '604801'), 'InvalidArgument'],
      [set('X-Goog-SignedHeaders', 'range'), 'InvalidArgument'],
      [changed(each => each.searchParams.delete('X-Goog-Signature')), 'MalformedSecurityHeader'],
    ] as const) {
      const [status, found] = await get(tampered);
      assert.equal(found, code, tampered);
      assert.ok(status >= 400, tampered);
    }
  });

  test('of another account are those of another key', async () => {
    const other = 'other@test.iam.gserviceaccount.com';
    const signer = signingClient(subject.server.url, other).bucket(bucket.name).file('other');
    const options = { version: 'v4', action: 'read', signingEndpoint: iam.signingEndpoint } as const;
    const [url] = await signer.getSignedUrl({ ...options, expires: Date.now() + HOUR });
    assert.deepEqual(await get(url), [200, 'other']);
    assert.deepEqual(await get(url.replace('other%40', 'registry%40')), [403, 'SignatureDoesNotMatch']);
  });

  test('write too, with the type that was signed', async () => {
    const url = await sign('written', { action: 'write', contentType: 'text/plain' });
    const put = (type: string) => get(url, { method: 'PUT', body: 'w', headers: { 'content-type': type } });
    assert.deepEqual(await put('text/html'), [403, 'SignatureDoesNotMatch']);
    assert.deepEqual(await put('text/plain'), [200, '']);
    const [found] = await subject.bucket.file('written').getMetadata();
    assert.deepEqual([found.contentType, found.size], ['text/plain', '1']);
    const once = { 'x-goog-if-generation-match': '0' };
    const again = await sign('written', { action: 'write', extensionHeaders: once });
    assert.deepEqual(await get(again, { method: 'PUT', body: 'x', headers: once }), [
      412,
      'PreconditionFailed',
    ]);
  });

  test('outlive a restart of who signs them', async () => {
    const url = await sign('blobs/ü +%');
    await iam.close();
    iam = await startIamCredentials({ dataFolder: keyFolder });
    assert.deepEqual(await get(url), [200, 'signed']);
    assert.deepEqual(await get(await sign('blobs/ü +%')), [200, 'signed']);
  });
});
