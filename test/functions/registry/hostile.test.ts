import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { onBothServers, type Received, type Served } from './served.ts';
import { assertNoTrace, specError } from './spec-errors.ts';

const HEX = digestOf('any').slice('sha256:'.length);
const LONG = 'x'.repeat(5_000);

/** Names that no reader of paths, shells, SQL or HTML may ever see. */
const names = [
  '', '.', '..', '../..', 'a/..', 'a/../b', '../../etc/passwd', 'a//b', '//', '/a', 'a/', '%2f', 'a%2fb', 'a%2Fb',
  '%2e%2e', '..%2f..%2fetc', 'a%00', '%00', 'a%0ab', 'a%0d%0aset-cookie:x', '%', '%zz', 'a%', 'a%c0%af', '%ff',
  '"', '%22', "'", "a'b", '`id`', '$(id)', '$(touch${IFS}pwned)', '${HOME}', 'a;id', 'a|id', 'a&b', 'a&&b', '<b>',
  'a\\b', '..\\..', 'A', 'a_', '_a', 'a___b', 'a..b', '-a', '--help', '-', '~', '~root', '*', 'a*', '[a]', '{a,b}',
  '!', 'a!b', 'a@b', 'a:b', 'a+b', 'a,b', 'a=b', 'a^b', 'a#b'.replace('#', '%23'), '\xe4', '\xff\xfe', 
  'A.b', '(import<nixpkgs>{})', 'a/$(id)/b', 'a/"; id; "', LONG, `${'a/'.repeat(2_500)}a`, `a${'-'.repeat(5_000)}b`,
  'a-'.repeat(2_500), 'a'.repeat(256), '__proto__', 'con%73tructor', 'nix/store/..', '/nix/store/x', 'a?b'.replace('?', '%3f'),
].map(name => name.replaceAll(' ', '%20')); // prettier-ignore

const tags = [
  '', '.', '..', '.a', '-a', '%2e', '%00', 'a%2fb', 'a%00', '"', "'", '$(id)', '`id`', 'a@b', 'a+b', 'a,b', '*',
  '\xe4', '<b>', '^{}', 'HEAD~1', 'a..b/..', '--upload-pack=id', 'x'.repeat(129), LONG,
]; // prettier-ignore

const digests = [
  'sha256:totallywrong', 'sha256:', 'sha256', `sha256:${HEX.slice(1)}`, `sha256:${HEX}0`, `sha256:${HEX.toUpperCase()}`,
  `SHA256:${HEX}`, `sha512:${HEX}${HEX}`, `sha512:${HEX}`, `md5:${HEX.slice(32)}`, `sha256:${HEX}%00`, `sha256%3a${HEX}`,
  `sha256:../../${HEX}`, `sha256::${HEX}`, `sha256:${'g'.repeat(64)}`, `sha256:${LONG}`, ':', '::', 'latest:latest',
]; // prettier-ignore

const targets = [
  ...names.map(name => `/v2/${name}/manifests/latest`),
  ...names.map(name => `/v2/${name}/blobs/sha256:${HEX}`),
  ...tags.map(tag => `/v2/hello/manifests/${tag}`),
  ...digests.filter(digest => digest.includes(':')).map(digest => `/v2/hello/manifests/${digest}`),
  ...digests.map(digest => `/v2/hello/blobs/${digest}`),
  ...digests.map(digest => `/v2/hello/referrers/${digest}`),
  ...names.map(name => `/v2/${name}/tags/list`),
  '/v2/hello/manifests/latest/', '/v2/hello/manifests', '/v2/hello', '/v2//', '//v2/', '/v2/..', '/v2/../', '/../v2/',
  '/v2/_catalog', '/v2/hello/tags/', '/v2/hello/blobs/uploads/', '/v2/hello/referrers/x', '/v1/search?q=x', '/v3/',
  '/index.php', '/.git/config', '/.env', '/%2e%2e/%2e%2e/etc/passwd', '/..', '/\\', '/%', '/%00', '/%ff', `/${LONG}`,
  'http://elsewhere.example.org/v3/', 'v2/', '?', 'hello',
]; // prettier-ignore

/** Targets that Node's parser does not hand on. */
const NO_TARGET = /^(?!\/|http:)|[\x80-\xff]/;

const METHODS = [
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'PURGE',
  'QUERY',
  'M-SEARCH',
];

/** What was said by the handler is in the specification's format; what was refused before it is bare. Never more, never 5xx. */
function assertRefused(target: string, answer: Received, served: Served): void {
  const text = answer.body.toString();
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}: ${text}`);
  assertNoTrace(text);
  const fromHandler = answer.headers['docker-distribution-api-version'] !== undefined;
  const refusedBefore = served.kind === 'functions-framework' || NO_TARGET.test(target);
  assert.ok(fromHandler || refusedBefore, 'nobody but the handler answers here');
  if (fromHandler) specError(answer, answer.status);
}

onBothServers('hostile requests', 1_000, served => {
  /** Nothing that is refused may leave a trace in the database, or wake a worker. */
  async function assertNothingAsked(): Promise<void> {
    const { docs } = await served().cloud.firestore.collection('images').get();
    assert.deepEqual(docs.map(({ id }) => id), []); // prettier-ignore
    assert.deepEqual(await served().cloud.takeHints('pull'), []);
    assert.deepEqual(served().lines, []);
  }

  test('T18: for names, tags, digests and addresses that are none are refused', async () => {
    for (const target of targets) {
      const answer = await served().send(target);
      assert.doesNotThrow(() => assertRefused(target, answer, served()), target.slice(0, 200));
      const head = await served().send(target, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body.length], [answer.status, 0], target.slice(0, 200));
    }
    await assertNothingAsked();
  });

  test('with other methods than GET and HEAD are 405, wherever they go', async () => {
    const addresses = [
      '/',
      '/v2/',
      '/v2/hello/manifests/latest',
      `/v2/hello/blobs/sha256:${HEX}`,
      '/v2/hello/tags/list',
      `/v2/hello/referrers/sha256:${HEX}`,
      '/v2/_catalog',
      '/nowhere',
    ];
    for (const method of METHODS) {
      for (const target of addresses) {
        const answer = await served().send(target, { method });
        assert.equal(specError(answer, 405).code, 'UNSUPPORTED', `${method} ${target}`);
        assert.equal(answer.headers.allow, 'GET, HEAD');
      }
    }
    await assertNothingAsked();
  });

  test('T32: with too many or broken headers are refused', async () => {
    const line = (count: number): string => `x-flood: ${'y'.repeat(100)}\r\n`.repeat(count);
    const heads = [
      `GET /v2/ HTTP/1.1\r\nhost: a\r\n${line(500)}\r\n`,
      `GET /v2/ HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
      `GET /${'y'.repeat(100_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
      'GET /v2/ HTTP/1.1\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
      'GET /v2/ HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhost : a\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhost: a\r\nexpect: miracles\r\n\r\n',
    ];
    for (const head of heads) assertRefusedRaw(await served().sendRaw(head), head, { maybeSilent: false });
    await assertNothingAsked();
  });

  test('that are not HTTP, or only part of it, are refused or cut off', async () => {
    const garbage = [
      '\0\0\0\0',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', // the begin of TLS
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET\r\n\r\n',
      'GET /v2/ HTTP/9.9\r\nhost: a\r\n\r\n',
      'GET /v2/ HTTP/1.1\nhost: a\n\n',
      'GET /v2/ HTTP/1.1\r\nhost: a\n\n',
      'get /v2/ HTTP/1.1\r\nhost: a\r\n\r\n',
      'BREW /v2/ HTTP/1.1\r\nhost: a\r\n\r\n',
      'GET /v2/hello manifests/latest HTTP/1.1\r\nhost: a\r\n\r\n',
      'GET /v2/\0/manifests/latest HTTP/1.1\r\nhost: a\r\n\r\n',
      'CONNECT elsewhere:80 HTTP/1.1\r\nhost: a\r\n\r\n',
      'GET /v2/ HTTP/1.1\r\nhos',
      'GET /v2/hello/manifests/la',
      'POST /v2/ HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf',
      'POST /v2/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 7919 + 13) % 256)),
    ];
    for (const bytes of garbage) {
      assertRefusedRaw(await served().sendRaw(bytes), String(bytes), {
        maybeSilent: true,
      });
    }
    const alive = await served().send('/v2/');
    assert.equal(alive.status, 200);
    await assertNothingAsked();
  });

  test('with a body that is broken are refused without it being read', async () => {
    const bodies: readonly [type: string, body: string, extra?: string][] = [
      ['application/json', '{"broken"'],
      ['application/json', '{"__proto__":{"polluted":1}}'],
      ['application/cloudevents+json', '['],
      ['application/x-www-form-urlencoded', `a${'[b]'.repeat(1_000)}=c`],
      ['text/plain; charset=nonsense', 'x'],
      ['application/json', 'x', 'content-encoding: gzip\r\n'],
      ['application/json', 'x', 'content-encoding: nonsense\r\n'],
    ];
    for (const [type, body, extra = ''] of bodies) {
      const head = `POST /v2/hello/manifests/latest HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: ${type}\r\n${extra}`;
      const answer = await served().sendRaw(`${head}content-length: ${body.length}\r\n\r\n${body}`, {
        leaveOpen: true,
      });
      assertRefusedRaw(answer, `${type} ${extra}`, { maybeSilent: false });
    }
    await assertNothingAsked();
  });
});

/** Every answer on the connection is 4xx and bare; none at all only where the server may cut what is no request. */
function assertRefusedRaw(answer: string, sent: string, { maybeSilent }: { maybeSilent: boolean }): void {
  const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
  const what = `${JSON.stringify(sent.slice(0, 100))} was answered ${JSON.stringify(answer.slice(0, 300))}`;
  assert.ok(maybeSilent || statuses.length > 0, what);
  for (const status of statuses) assert.ok(status >= 400 && status < 500, what);
  assertNoTrace(answer);
}
