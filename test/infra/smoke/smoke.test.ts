// The checks of `npm run smoke` at a registry that does everything right, and at one before which something is wrong.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { after, afterEach, before, describe, test } from 'node:test';
import type { encodeHint } from '#core/hint.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { publicAddresses } from '#functions/registry/blob-addresses.ts';
import { clientAddressBehind } from '#functions/registry/client-address.ts';
import { anonymousAccess } from '#functions/registry/auth/anonymous-access.ts';
import type { Finding } from '#smoke/check.ts';
import { requireOurs } from '#smoke/checks/callers.ts';
import type { ImageToPull } from '#smoke/image.ts';
import { runChecks, type WhatToCheck } from '#smoke/run-checks.ts';
import { BUCKET, claimant, Cloud } from '#test/cloud.ts';
import { collectLog } from '#test/collected-log.ts';
import { serveUsers } from '#test/functions/registry/auth/logged-in.ts';
import { userLine, UsersFile } from '#test/functions/registry/auth/users-file.ts';
import { admission, Served, waitingOn } from '#test/functions/registry/served.ts';
import { storeBlob } from '#test/functions/registry/stored-blob.ts';
import { published } from '#test/published.ts';
import { startFrontEnd, type FrontEnd, type Wrong } from './front-end.ts';

/** Of every request. Milliseconds. */
const HOLD = 200;

describe('the smoke test', { timeout: 60_000 }, () => {
  let cloud: Cloud;
  let manifest: string;
  let served: Served;
  let frontEnd: FrontEnd;
  let storage: FrontEnd;

  before(async () => {
    cloud = await Cloud.start();
    manifest = await storeImage(cloud);
    storage = await startFrontEnd(Number(new URL(cloud.storageUrl).port));
    served = await serve(cloud, storage, manifest);
    frontEnd = await startFrontEnd(served.port);
  });
  after(async () => {
    for (const part of [frontEnd, served, storage, cloud]) await part[Symbol.asyncDispose]();
  });
  afterEach(() => {
    frontEnd.become({});
    storage.become({});
  });

  async function smoke(what: Partial<WhatToCheck> = {}): Promise<readonly Finding[]> {
    const image: ImageToPull = { name: 'ready', tag: 'latest', isNew: false };
    const all = {
      base: new URL(`http://${frontEnd.host}`),
      image,
      login: undefined,
      totalMs: 20_000,
      useUpLimits: false,
    };
    return (await runChecks({ ...all, ...what }, () => {})).findings;
  }

  test('finds nothing wrong where nothing is, and says what it saw', async () => {
    frontEnd.become({
      request(headers, { url = '' }) {
        if (/a-new-one.*wait=/.test(url)) askedAgain.resolve();
        return headers;
      },
    });
    const told: Finding[] = [];
    const image = { name: 'a-new-one', tag: 'latest', isNew: true };
    const base = new URL(`http://${frontEnd.host}`);
    const what = { base, image, login: undefined, totalMs: 20_000, useUpLimits: false };
    const checks = await runChecks(what, finding => told.push(finding));
    assert.deepEqual(failed(checks.findings), []);
    assert.equal(checks.passed(), true);
    assert.deepEqual(told, checks.findings);
    const says = (name: string): string => told.find(finding => finding.name === name)?.says ?? '';
    assert.match(says('cold pull'), /^a-new-one:latest after \d/);
    assert.match(says('redirects while it waits'), /^[1-9] in one pull, each to the same host/);
    assert.match(says('all blobs of it'), /^2 blobs of 0\.2 MB/);
    assert.match(says('unknown package'), /^404 MANIFEST_UNKNOWN: "a-new-onee" .*did you mean/);
    assert.equal(told.length, 24, told.map(({ name }) => name).join(', '));
  });

  const wrongs: readonly [what: string, check: string, says: RegExp, wrong: Wrong][] = [
    [
      'strips the length of HEAD',
      'HEAD of a manifest',
      /Content-Length is missing/,
      onManifests('HEAD', headers => without(headers, 'content-length')),
    ],
    [
      'says that HEAD has no length',
      'HEAD of a manifest',
      /Content-Length is 0/,
      onManifests('HEAD', headers => ({ ...headers, 'content-length': '0' })),
    ],
    [
      'says no digest',
      'GET of a manifest',
      /says the digest nowhere/,
      onManifests('GET', headers => without(headers, 'docker-content-digest')),
    ],
    [
      'lets caches keep tags',
      'caching of manifests',
      /without no-cache/,
      onManifests('HEAD', headers => ({ ...headers, 'cache-control': 'public, no-transform' })),
    ],
    [
      'compresses',
      'GET of a manifest',
      /Content-Encoding gzip/,
      {
        answer: (answer, { url = '', headers }) => {
          if (
            answer.status !== 200 ||
            !url.includes('/manifests/') ||
            !isGzipTaken(headers['accept-encoding'])
          )
            return answer;
          const body = gzipSync(answer.body);
          return {
            ...answer,
            body,
            headers: { ...answer.headers, 'content-encoding': 'gzip', 'content-length': String(body.length) },
          };
        },
      },
    ],
    [
      'passes on another Host',
      'own address',
      /names inside\.example\.org/,
      { request: headers => ({ ...headers, host: 'inside.example.org' }) },
    ],
    [
      'answers what ends in z',
      'paths that front ends may keep for themselves',
      /quartz is answered 404 by something else/,
      {
        answer: (answer, { url = '' }) =>
          url.endsWith('z') ? { status: 404, headers: {}, body: Buffer.from('') } : answer,
      },
    ],
    [
      'answers errors with pages',
      'unknown digest',
      /not an error in the form that clients print: text\/html/,
      {
        answer: answer =>
          answer.status === 404
            ? {
                ...answer,
                headers: { 'docker-distribution-api-version': 'registry/2.0', 'content-type': 'text/html' },
              }
            : answer,
      },
    ],
    [
      'keeps blobs at this host',
      'GET of a blob',
      /docker sends its credentials/,
      {
        answer: (answer, { url = '' }) =>
          url.includes('/blobs/') && answer.status === 307
            ? { ...answer, headers: { ...answer.headers, location: `http://elsewhere.example.org${url}` } }
            : answer,
      },
    ],
  ];
  for (const [what, check, says, wrong] of wrongs) {
    test(`finds a front end that ${what}`, async () => {
      frontEnd.become(wrong);
      assertFound(await smoke(), check, says);
    });
  }

  const slow: ImageToPull = { name: 'never-ready', tag: 'latest', isNew: true };
  const wrongHops: readonly [what: string, says: RegExp, wrong: Wrong][] = [
    [
      'sends pulls that wait to another host',
      /sent on from http:\/\/127.*other\.example\.org/,
      onHops(headers => ({ ...headers, location: `http://other.example.org${headers.location ?? ''}` })),
    ],
    [
      'sends them to another scheme',
      /sent on from http:.* to https:/,
      onHops(headers => ({ ...headers, location: `https://${frontEnd.host}${headers.location ?? ''}` })),
    ],
    [
      'drops their query',
      /sent on/,
      onHops(headers => ({ ...headers, location: headers.location?.split('?', 1)[0] })),
    ],
    [
      'lets caches keep their redirects',
      /a redirect that waits may be cached/,
      onHops(headers => ({ ...headers, 'cache-control': 'public' })),
    ],
    [
      'cuts what waits',
      /^request 1 was cut after .*(?:socket hang up|ECONNRESET)/,
      {
        answer: answer => {
          if (answer.status === 307) throw new Error('cut');
          return answer;
        },
      },
    ],
    [
      'gives up on what waits',
      /^request 1 was cut after .* 504 by something before the registry/,
      {
        answer: answer =>
          answer.status === 307
            ? { status: 504, headers: {}, body: Buffer.from('upstream request timeout') }
            : answer,
      },
    ],
  ];
  for (const [what, says, wrong] of wrongHops) {
    test(`finds a front end that ${what}`, async () => {
      frontEnd.become(wrong);
      const findings = await smoke({ image: slow });
      assertFound(findings, 'cold pull', says);
      assert.equal(findings.at(-1)?.outcome, 'skipped');
    });
  }

  test('finds a build that takes too long, and says the last word of a pull', async () => {
    assertFound(await smoke({ image: slow, totalMs: 300 }), 'cold pull', /^not ready after 0\.\d+ s/);
    assertFound(
      await smoke({ image: { ...slow, name: 'wrong' } }),
      'cold pull',
      /^404 MANIFEST_UNKNOWN: "wrong"/,
    );
  });

  for (const [retryAfter, says] of [
    ['86400', /^not ready after/],
    ['Sun, 22 Nov 2026 08:00:00 GMT', /^429 with Retry-After: Sun, .* no number of seconds/],
  ] as const) {
    test(`waits no longer than it was told to for a pull that may be begun again after ${retryAfter}`, async () => {
      const message = 'the image is being built';
      const body = Buffer.from(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message }] }));
      frontEnd.become({
        answer: ({ status, headers, ...answer }) =>
          status === 307
            ? {
                status: 429,
                headers: {
                  ...headers,
                  'content-type': 'application/json',
                  'content-length': undefined,
                  'retry-after': retryAfter,
                },
                body,
              }
            : { status, headers, ...answer },
      });
      assertFound(await smoke({ image: slow, totalMs: 2_000 }), 'cold pull', says);
    });
  }

  const wrongStorage: readonly [what: string, check: string, says: RegExp, wrong: Wrong][] = [
    [
      'knows no ranges',
      'part of a blob',
      /bytes 1 to 9 are answered 200/,
      { request: headers => without(headers, 'range') },
    ],
    [
      'has other bytes',
      'all blobs of it',
      /has \d+ bytes of sha256:/,
      { answer: ({ body, ...answer }) => ({ ...answer, body: Buffer.from(body.map(byte => byte ^ 1)) }) },
    ],
    [
      'misses a blob',
      'all blobs of it',
      /is answered 404/,
      { answer: answer => ({ ...answer, status: 404 }) },
    ],
  ];
  for (const [what, check, says, wrong] of wrongStorage) {
    test(`finds a storage that ${what}`, async () => {
      storage.become(wrong);
      assertFound(await smoke(), check, says);
    });
  }

  test('finds nothing at all where nothing listens', async () => {
    const findings = await smoke({ base: new URL('http://127.0.0.1:1/') });
    assertFound(findings, 'registry at the root', /ECONNREFUSED/);
    assert.equal(findings.length, 2);
  });

  for (const [proxies, outcome, says] of [
    [1, 'passed', /^counted as address 127\.0\.0\.1; 429 with Retry-After: \d+$/],
    [2, 'failed', /it claimed 203\.0\.113\.7, and was believed/],
  ] as const) {
    test(`sees whom callers are counted for where ${proxies} proxies are trusted`, async () => {
      await using limited = await serve(cloud, storage, manifest, proxies);
      await using proxy = await startFrontEnd(limited.port);
      const findings = await smoke({ base: new URL(`http://${proxy.host}`), useUpLimits: true });
      const last = findings.at(-1);
      assert.deepEqual([last?.name, last?.outcome], ['limits', outcome], last?.says);
      assert.match(last?.says ?? '', says);
    });
  }

  test('finds a registry elsewhere that counts all clients as a proxy', () => {
    const base = new URL('https://registry.example.org');
    for (const inside of ['10.1.2.3', '169.254.8.1', 'fd00:1::/64'])
      assert.throws(() => requireOurs(inside, base), /all clients are one/);
    for (const ours of ['198.51.100.4', '2001:db8:1::/64']) requireOurs(ours, base);
  });

  test('logs in', async () => {
    await using users = await UsersFile.of(await userLine('alice', 'open sesame'));
    await using loggedIn = await serveUsers(cloud, { DERIVERY_USERS_FILE: users.path });
    const base = new URL(`http://127.0.0.1:${loggedIn.served.port}/`);
    const login = { user: 'alice', password: 'open sesame' };
    const findings = await smoke({ base, login });
    const said = findings.find(({ name }) => name === 'login');
    assert.equal(said?.says, 'alice may pull');
    for (const name of ['cold pull', 'GET of a manifest', 'caching of manifests', 'HEAD of a blob']) {
      assert.equal(findings.find(finding => finding.name === name)?.outcome, 'passed', name);
    }
    assertFound(await smoke({ base }), 'login', /answers 401 without a login/);
    assertFound(
      await smoke({ base, login: { ...login, password: 'guessed' } }),
      'login',
      /answers 401 for alice/,
    );
  });
});

function failed(findings: readonly Finding[]): string[] {
  return findings.filter(({ outcome }) => outcome === 'failed').map(({ name, says }) => `${name}: ${says}`);
}

/** It is found where it should be, and says what to do. */
function assertFound(findings: readonly Finding[], check: string, says: RegExp): void {
  const found = findings.find(({ name }) => name === check);
  assert.equal(found?.outcome, 'failed', `${check}: ${JSON.stringify(found)} ${failed(findings).join('; ')}`);
  assert.match(found.says, says);
  assert.ok(found.advice.length > 10);
}

type Headers = Parameters<NonNullable<Wrong['request']>>[0];

function onManifests(method: string, change: (headers: Headers) => Headers): Wrong {
  return {
    answer: (answer, request) =>
      request.method === method && request.url?.includes('/manifests/') && answer.status === 200
        ? { ...answer, headers: change(answer.headers) }
        : answer,
  };
}

function onHops(change: (headers: Headers) => Headers): Wrong {
  return {
    answer: answer => (answer.status === 307 ? { ...answer, headers: change(answer.headers) } : answer),
  };
}

function without(headers: Headers, name: string): Headers {
  return { ...headers, [name]: undefined };
}

function isGzipTaken(accepted: string | string[] | undefined): boolean {
  return String(accepted).includes('gzip');
}

/** An image's blobs in the bucket. Answers its manifest. */
async function storeImage(cloud: Cloud): Promise<string> {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux' }));
  const layer = Buffer.alloc(200_000, 'layer');
  const descriptor = async (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: await storeBlob(cloud, bytes),
    size: bytes.length,
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: await descriptor(MEDIA_TYPES.config, config),
    layers: [await descriptor(MEDIA_TYPES.gzipLayer, layer)],
  });
}

/** A registry, and a worker that makes each image at once, or later: see {@link work}. */
async function serve(
  cloud: Cloud,
  storage: FrontEnd,
  manifest: string,
  trustedProxies?: number,
): Promise<Served> {
  const { log } = collectLog();
  const hints = {
    async send({ key }: Parameters<typeof encodeHint>[0]) {
      await work(cloud, key as Parameters<Cloud['buildOf']>[0], manifest);
    },
  };
  return Served.start('functions-framework', cloud, HOLD, {
    blobAddress: publicAddresses(`http://${storage.host}/${BUCKET}/blobs`),
    waiting: waitingOn(cloud, { log, hints }),
    ...(trustedProxies !== undefined && {
      access: anonymousAccess(clientAddressBehind(trustedProxies)),
      admit: admission({ pullsPerMinute: 30 }),
    }),
  });
}

/** Resolved when a pull of `a-new-one` comes by its first redirect. */
const askedAgain = Promise.withResolvers<void>();

/** What a worker does, by the name that is asked for. */
async function work(cloud: Cloud, key: Parameters<Cloud['buildOf']>[0], manifest: string): Promise<void> {
  const { document } = await cloud.images.read(key);
  const [name = ''] = document?.request.packages ?? [];
  if (name === 'never-ready') return;
  await cloud.images.claim(key, claimant('worker'));
  if (name === 'ready') await cloud.images.publish(key, 'worker', published(manifest));
  else if (name === 'a-new-one') {
    // While it is asked again. Nobody is to wait for this worker to be done.
    void askedAgain.promise.then(() => cloud.images.publish(key, 'worker', published(manifest)));
  } else {
    const message = `"${name}" is not in the package set (did you mean ready?)`;
    await cloud.images.fail(key, 'worker', { kind: 'unknown_package', message }, 'r1');
  }
}
