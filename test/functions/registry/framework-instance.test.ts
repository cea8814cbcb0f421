// An instance under functions-framework's own command: that its requests are ours, and how it ends: who waits there is sent on, and
// gets the image elsewhere.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request as sendRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { claimant, Cloud, type Asked } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { startFramework, type FrameworkProcess } from './framework-process.ts';
import { granted } from './auth/clients.ts';
import { userLine, UsersFile } from './auth/users-file.ts';
import { specError } from './spec-errors.ts';

/** So long that no test gets there. */
const PATIENT = {
  DERIVERY_HOLD_SECONDS: '120',
  DERIVERY_LONG_HOLD_SECONDS: '120',
  DERIVERY_REQUEST_LIMIT_SECONDS: '200',
};

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function send(
  port: number,
  path: string,
  method = 'GET',
  body?: Buffer,
  type: OutgoingHttpHeaders = { 'content-encoding': 'gzip' },
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { ...type, 'content-length': body.length };
    const request = sendRequest(
      { port, host: '127.0.0.1', path, method, headers, agent: false },
      response => {
        const { statusCode: status = 0 } = response;
        buffer(response).then(bytes => resolve({ status, headers: response.headers, body: bytes }), reject);
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

describe('an instance under functions-framework', { timeout: 60_000 }, () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await Cloud.start();
  });
  after(() => cloud[Symbol.asyncDispose]());

  async function publish({ key }: Asked, text: string): Promise<void> {
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.publish(key, 'worker', published(text));
  }

  async function pullOne(instance: FrameworkProcess): Promise<{ asked: Asked; answer: Promise<Received> }> {
    const asked = cloud.newImage();
    const answer = send(instance.port, `/v2/${asked.name}/manifests/latest`);
    answer.catch(() => {});
    assert.equal(await cloud.hintsAt(asked.key, 'pull'), 1);
    return { asked, answer };
  }

  test('that is told to end sends 200 waiting pulls on, and another one gives them 200 images', async context => {
    const [first, second] = await Promise.all([
      startFramework(context, PATIENT),
      startFramework(context, PATIENT),
    ]);
    const images = Array.from({ length: 10 }, () => cloud.newImage());
    const waiting = Array.from({ length: 20 }, (_, index) =>
      images.map(({ name }) =>
        send(first.port, `/v2/${name}/manifests/latest?ns=h`, index % 2 === 0 ? 'GET' : 'HEAD'),
      ),
    ).flat();
    await first.received(200);
    const asked = new Set<unknown>(images.map(({ key }) => key));
    while (asked.size > 0) for (const key of await cloud.takeHints('pull')) asked.delete(key);
    first.signal('SIGTERM');
    const sentOn = await Promise.all(waiting);
    assert.equal(await first.ended, 0);
    assert.equal(sentOn.filter(({ status }) => status === 307).length, 200);
    for (const { headers, body } of sentOn) {
      assert.match(headers.location ?? '', /^\/v2\/[^/]+\/manifests\/latest\?ns=h&wait=1\./);
      assert.deepEqual([headers.connection, headers['content-length'], body.length], ['close', '0', 0]);
    }
    assert.match(first.log.lines.at(-1) ?? '', /"severity":"INFO".*"sentOn":200/);

    const answers = sentOn.map(({ headers }) => send(second.port, headers.location ?? ''));
    await second.received(200);
    for (const image of images) await publish(image, image.name);
    const manifests = (await Promise.all(answers)).map(({ status, body }) => `${status} ${body.toString()}`);
    const expected = Array.from({ length: 20 }, () => images.map(({ name }) => `200 ${name}`)).flat();
    assert.deepEqual(manifests.toSorted(), expected.toSorted());
  });

  test('goes on where a promise is rejected that nobody looks at, and says so in the log', async context => {
    const instance = await startFramework(context, PATIENT);
    const { asked, answer } = await pullOne(instance);
    instance.cause('rejection');
    const line = await instance.log.until(/nobody heard of it/);
    assert.match(line, /"severity":"ERROR".*a rejection that nobody hears of/);
    await publish(asked, 'all the same');
    assert.equal((await answer).body.toString(), 'all the same');
  });

  test('that breaks sends on who waits', async context => {
    const instance = await startFramework(context, PATIENT);
    const { answer } = await pullOne(instance);
    instance.cause('exception');
    assert.equal((await answer).status, 307);
    assert.equal(await instance.ended, 16, 'as the framework ends it');
    assert.match(instance.log.lines.join('\n'), /"severity":"ERROR".*an exception that nobody catches/);
  });

  test('reads no body: the framework would inflate it, whatever it comes to', async context => {
    const instance = await startFramework(context, PATIENT);
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    for (const [method, status] of [['POST', 405], ['PUT', 405], ['GET', 413]] as const) {
      const answer = await send(instance.port, '/v2/', method, bomb);
      assert.equal(specError(answer, status).code, 'UNSUPPORTED');
      assert.equal(answer.headers.connection, 'close');
    } // prettier-ignore
    // One that says nothing of a body, and the next on a connection of its own.
    assert.equal((await send(instance.port, '/v2/')).status, 200);
    assert.equal((await send(instance.port, '/v2/', 'POST', randomBytes(10))).status, 405);
  });

  test('answers what the framework would answer: broken escapes, icons, and methods that it knows', async context => {
    const instance = await startFramework(context, PATIENT);
    for (const [method, path, status] of [
      ['GET', '/v2/%zz/manifests/latest', 400],
      ['GET', '/v2/%zz', 404],
      ['GET', '/favicon.ico', 404],
      ['GET', '/robots.txt', 404],
      ['OPTIONS', '/v2/', 405],
    ] as const) {
      specError(await send(instance.port, path, method), status);
    }
  });

  test('reads forms for a token itself, and small ones only', async context => {
    await using users = await UsersFile.of(await userLine('alice', 'open sesame'));
    const instance = await startFramework(context, {
      ...PATIENT,
      DERIVERY_ACCESS: 'users',
      DERIVERY_USERS_FILE: users.path,
      DERIVERY_TOKEN_SECRET: 'what-tokens-of-this-test-are-signed-with',
    });
    const post = (body: Buffer, type = {}) =>
      send(instance.port, '/token', 'POST', body, {
        'content-type': 'application/x-www-form-urlencoded',
        ...type,
      });
    const form = Buffer.from('grant_type=password&username=alice&password=open+sesame');
    const { token } = granted(await post(form));
    assert.ok(token.length > 0);
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    specError(await post(bomb), 413);
    specError(await post(bomb, { 'content-encoding': 'gzip' }), 415);
    specError(await send(instance.port, '/token/x', 'POST', form), 405);
    assert.equal((await send(instance.port, '/v2/')).status, 401);
  });
});
