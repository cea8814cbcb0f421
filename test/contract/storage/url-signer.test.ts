// Our own signer of URLs: Google's client is its oracle, the stand-ins are what it runs against.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rm } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { openUrlSigner, type UrlSigner } from '#core/google/url-signer.ts';
import { unsignedUrl } from '#core/google/v4-signature.ts';
import { startIamCredentials, type IamCredentialsServer } from '#local/iam-credentials/server.ts';
import { startMetadata, type MetadataServer } from '#local/metadata/server.ts';
import { signingClient } from './signing-client.ts';
import { startSubject, temporaryFolder, type Subject } from './subject.ts';

const EMAIL = 'registry@test.iam.gserviceaccount.com';
const NAME = 'blobs/sha256/ab';

describe('a signed URL of ours', () => {
  let keyFolder: string;
  let iam: IamCredentialsServer;
  let metadata: MetadataServer;
  let subject: Subject;
  let sign: UrlSigner;
  let address: string;
  /** How far the storage server's clock is ahead of ours, in milliseconds. */
  let ahead = 0;

  before(async () => {
    keyFolder = await temporaryFolder();
    iam = await startIamCredentials({ dataFolder: keyFolder });
    metadata = await startMetadata({ email: EMAIL });
    process.env['GCE_METADATA_HOST'] = metadata.host;
    subject = await startSubject({
      verifyKey: account => iam.publicKeyOf(account),
      publicRead: false,
      now: () => Date.now() + ahead,
    });
    await subject.bucket.file(NAME).save('0123456789');
    address = `${subject.server.url}/${subject.bucket.name}/${NAME}`;
    sign = openUrlSigner(iam.signingEndpoint);
  });
  after(async () => {
    await subject[Symbol.asyncDispose]();
    await iam.close();
    await metadata.close();
    await rm(keyFolder, { recursive: true });
  });

  test('reads an object that nobody reads otherwise, whole and in part', async () => {
    const plain = await fetch(address);
    assert.equal(plain.status, 403);
    assert.match(await plain.text(), /<Code>AccessDenied<\/Code>/);
    const url = await sign(address, 60);
    const whole = await fetch(url);
    assert.deepEqual([whole.status, await whole.text()], [200, '0123456789']);
    const part = await fetch(url, { headers: { range: 'bytes=4-' } });
    assert.deepEqual([part.status, await part.text()], [206, '456789']);
    assert.equal(part.headers.get('content-range'), 'bytes 4-9/10');
  });

  test('is for this object and for GET, and for as long as was said', async () => {
    const url = await sign(address, 60);
    assert.equal((await fetch(url.replace('/ab?', '/cd?'))).status, 403);
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 403);
    assert.equal((await fetch(url.replace('Expires=60', 'Expires=600'))).status, 403);
    try {
      ahead = 50_000;
      assert.equal((await fetch(url)).status, 200);
      ahead = 70_000;
      assert.equal((await fetch(url)).status, 400);
    } finally {
      ahead = 0;
    }
  });

  test('is the one that Google’s client makes', async () => {
    // Theirs cannot be made for a time that has gone by.
    const at = Math.ceil(Date.now() / 1000) * 1000 + 60_000;
    const bucket = signingClient('https://storage.googleapis.com', EMAIL).bucket('some-bucket');
    const [theirs] = await bucket.file(NAME).getSignedUrl({
      version: 'v4',
      action: 'read',
      accessibleAt: at,
      expires: at + 3_600_000,
      signingEndpoint: iam.signingEndpoint,
    });
    const ours = openUrlSigner(iam.signingEndpoint, () => at);
    assert.equal(await ours(`https://storage.googleapis.com/some-bucket/${NAME}`, 3600), theirs);
  });
});

describe('what is to be signed', () => {
  test('is what Google’s documentation says, letter by letter', () => {
    const { stringToSign, withSignature } = unsignedUrl(
      'https://storage.googleapis.com/example-bucket/cat.jpeg',
      'example@example-project.iam.gserviceaccount.com',
      Date.UTC(2019, 10, 1, 8, 30, 0, 999),
      86_400,
    );
    const [algorithm, time, scope, digest] = stringToSign.split('\n');
    assert.deepEqual(
      [algorithm, time, scope],
      ['GOOG4-RSA-SHA256', '20191101T083000Z', '20191101/auto/storage/goog4_request'],
    );
    assert.match(digest ?? '', /^[0-9a-f]{64}$/);
    assert.equal(
      withSignature(Buffer.from('abcd', 'hex')),
      'https://storage.googleapis.com/example-bucket/cat.jpeg?X-Goog-Algorithm=GOOG4-RSA-SHA256' +
        '&X-Goog-Credential=example%40example-project.iam.gserviceaccount.com%2F20191101%2Fauto%2Fstorage%2Fgoog4_request' +
        '&X-Goog-Date=20191101T083000Z&X-Goog-Expires=86400&X-Goog-SignedHeaders=host&X-Goog-Signature=abcd',
    );
  });
});

describe('an IAM that does not sign', () => {
  let metadata: MetadataServer;
  let iam: Server;
  let endpoint: string;
  const answers: number[] = [];

  before(async () => {
    metadata = await startMetadata({ email: EMAIL });
    process.env['GCE_METADATA_HOST'] = metadata.host;
    iam = createServer((_, response) => {
      const status = answers.shift() ?? 500;
      const body = status === 200 ? { signedBlob: 'q80=' } : { error: { message: 'no' } };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>(resolve => {
      iam.listen(0, '127.0.0.1', resolve);
    });
    endpoint = `http://127.0.0.1:${(iam.address() as AddressInfo).port}/`;
  });
  after(async () => {
    await metadata.close();
    iam.close();
  });

  test('for the moment is asked again, and then is trouble that passes', async () => {
    answers.push(503, 429, 200);
    assert.match(await openUrlSigner(endpoint)('https://host/b/o', 60), /X-Goog-Signature=abcd$/);
    answers.push(503, 503, 503);
    await assert.rejects(openUrlSigner(endpoint)('https://host/b/o', 60), TransientError);
  });

  test('for want of a role is named in what the log is given', async () => {
    answers.push(403, 403);
    await assert.rejects(openUrlSigner(endpoint)('https://host/b/o', 60), (error: unknown) => {
      assert.ok(error instanceof Error && !(error instanceof TransientError));
      assert.match(
        error.message,
        /registry@test.* may not sign: grant it roles\/iam\.serviceAccountTokenCreator/,
      );
      return true;
    });
    answers.length = 0;
  });

  test('is found once the metadata server answers: the first failure is not kept', async () => {
    const sign = openUrlSigner(endpoint);
    process.env['GCE_METADATA_HOST'] = '127.0.0.1:1';
    await assert.rejects(sign('https://host/b/o', 60), TransientError);
    process.env['GCE_METADATA_HOST'] = metadata.host;
    answers.push(200);
    assert.match(await sign('https://host/b/o', 60), /X-Goog-Signature=abcd$/);
  });
});
