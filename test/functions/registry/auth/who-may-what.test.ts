// Who may do what: each way that a deployment can be set, each kind of caller, each address.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import type { RepositoryName } from '#core/reference.ts';
import { openAccess } from '#functions/registry/auth/open-access.ts';
import { createTokens } from '#functions/registry/auth/tokens.ts';
import { userNameSchema } from '#functions/registry/caller.ts';
import { clientAddressBehind } from '#functions/registry/client-address.ts';
import { readRegistrySettings } from '#functions/registry/settings.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '../ready-image.ts';
import { Served, type Received } from '../served.ts';
import { storeBlob } from '../stored-blob.ts';
import { basic, challenge } from './clients.ts';
import { userLine, UsersFile } from './users-file.ts';

const HOST = 'registry.example.org';
const SECRET = 'what the instances of this deployment share';
const HOUR = 3_600_000;

type Mode = 'anonymous' | 'users' | 'both' | 'users, by Basic';
type Outcome = 'served' | 'served privately' | 'asked to log in' | 'invalid_token' | 'insufficient_scope';

const MODES: Readonly<Record<Mode, NodeJS.ProcessEnv>> = {
  anonymous: {},
  users: { DERIVERY_ACCESS: 'users' },
  both: { DERIVERY_ACCESS: 'both' },
  'users, by Basic': { DERIVERY_ACCESS: 'users', DERIVERY_CHALLENGE: 'basic' },
};

/** What a registry of users, by Basic, tells no one is what was wrong with a token: that is Bearer's. */
const asked: readonly Outcome[] = ['served', 'asked to log in', 'asked to log in', 'asked to log in'];
const invalid: readonly Outcome[] = ['served', 'invalid_token', 'invalid_token', 'asked to log in'];
const own: readonly Outcome[] = ['served', 'served privately', 'served privately', 'served privately'];

const CALLERS: Readonly<Record<string, readonly Outcome[]>> = {
  //                            anonymous, users, both, users by Basic
  'nobody': asked,
  'nobody, with a token': ['served', 'invalid_token', 'served', 'asked to log in'],
  'a user, by password': own,
  'a user, by token': own,
  'a user, by a token of the secret before': own,
  'a user, with a wrong password': asked,
  'a user, with no password': asked,
  'a user nobody knows': asked,
  'someone with another scheme': asked,
  'someone with half a header': asked,
  'a token that has ended': invalid,
  'a token of another secret': invalid,
  'a token that was changed': invalid,
  'a token that is not signed': invalid,
  'a token for another host': invalid,
  'a token that begins tomorrow': invalid,
  'a token to have others with': invalid,
  'no token at all': invalid,
  'a token for another repository': ['served', 'insufficient_scope', 'insufficient_scope', 'asked to log in'],
}; // prettier-ignore

describe('who may pull', () => {
  let cloud: Cloud;
  let users: UsersFile;
  let name: RepositoryName;
  let pulls: readonly (readonly [method: string, target: string])[];
  let headers: Readonly<Record<string, string | undefined>>;
  const served = new Map<string, Served>();

  before(async () => {
    cloud = await Cloud.start();
    users = await UsersFile.of(await userLine('alice', 'open sesame'));
    for (const [mode, environment] of Object.entries(MODES)) {
      const settings = readRegistrySettings({
        GOOGLE_CLOUD_PROJECT: 'p',
        DERIVERY_SOURCE: 'debian',
        DERIVERY_BLOB_URL: 'https://storage.example.org/b',
        DERIVERY_HOP_SECRET: randomUUID(),
        DERIVERY_TOKEN_SECRET: `${randomUUID()} ${SECRET.replaceAll(' ', '-')}`,
        ...(mode !== 'anonymous' && { DERIVERY_USERS_FILE: users.path }),
        ...environment,
      });
      const access = openAccess(settings, clientAddressBehind(0), collectLog().log);
      served.set(mode, await Served.start('node:http', cloud, 60_000, { access }));
    }
    const ready = await readyImage(cloud, '{"a":"manifest"}');
    name = ready.name as RepositoryName;
    const blob = Buffer.from('a blob');
    await storeBlob(cloud, blob);
    pulls = ['GET', 'HEAD'].flatMap(method =>
      [
        '/v2/',
        `/v2/${name}/manifests/latest`,
        `/v2/${name}/manifests/${ready.image.manifest.digest}`,
        `/v2/${name}/blobs/${digestOf(blob)}`,
        `/v2/${name}/tags/list`,
        `/v2/${name}/referrers/${digestOf(blob)}`,
      ].map(target => [method, target] as const),
    );
    headers = await authorizations(name);
  });
  after(async () => {
    for (const each of served.values()) await each[Symbol.asyncDispose]();
    await users[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  const at = (mode: string): Served => served.get(mode) ?? assert.fail(mode);

  for (const [index, mode] of Object.keys(MODES).entries()) {
    for (const [caller, outcomes] of Object.entries(CALLERS)) {
      const expected = outcomes[index] ?? assert.fail();
      test(`${mode}: ${caller} is ${expected}`, async () => {
        assert.ok(caller in headers, 'a header is made for each');
        const authorization = headers[caller];
        for (const [method, target] of pulls) {
          const answer = await at(mode).send(target, {
            method,
            headers: { host: HOST, ...(authorization !== undefined && { authorization }) },
          });
          // What a token is for does not matter where nothing is pulled.
          const isScopeless =
            target === '/v2/' && mode !== 'anonymous' && caller === 'a token for another repository';
          const scheme = mode === 'users, by Basic' ? 'Basic' : 'Bearer';
          const outcome = outcomeOf(answer, method, scheme);
          assert.equal(outcome, isScopeless ? 'served privately' : expected, `${method} ${target}`);
        }
      });
    }

    test(`${mode}: the page, logs of builds and what is not there are open`, async () => {
      for (const [target, status] of [
        ['/', 200],
        [`/builds/${randomUUID()}/log`, 404],
        ['/nowhere', 404],
      ] as const) {
        // prettier-ignore
        assert.equal((await at(mode).send(target, { headers: { host: HOST } })).status, status, target);
      }
    });
  }

  test('a challenge says where a token is to be had, for what, and who gives it', async () => {
    const answer = await at('users').send(`/v2/${name}/manifests/latest`, { headers: { host: HOST } });
    assert.deepEqual(challenge(answer, 'Bearer'), {
      realm: `http://${HOST}/token`,
      service: HOST,
      scope: `repository:${name}:pull`,
    });
    const secure = await at('both').send('/v2/', { headers: { host: HOST, 'x-forwarded-proto': 'https' } });
    assert.deepEqual(challenge(secure, 'Bearer'), { realm: `https://${HOST}/token`, service: HOST });
    const byBasic = await at('users, by Basic').send('/v2/', { headers: { host: HOST } });
    assert.deepEqual(challenge(byBasic, 'Basic'), { realm: 'derivery' });
  });

  test('T20: a Host that is none gets no challenge with it in', async () => {
    for (const host of ['evil.example/path', 'a"b', 'user@evil', 'a,b']) {
      const answer = await at('users').send('/v2/', { headers: { host } });
      assert.equal(answer.status, 400, host);
      assert.equal(answer.headers['www-authenticate'], undefined);
    }
  });

  /** The Authorization header of each kind of caller. */
  async function authorizations(repository: RepositoryName): Promise<Record<string, string | undefined>> {
    const ours = [SECRET.replaceAll(' ', '-')] as const;
    const user = userNameSchema.parse('alice');
    const claims = { user, repositories: [repository] };
    const tokens = createTokens([...ours]);
    const good = await tokens.signAccess(claims, HOST);
    const [header = '', payload = '', signature = ''] = good.split('.');
    const nobody = { user: undefined, repositories: [repository] };
    const changed = Buffer.from(payload, 'base64url').toString().replace('alice', 'malice');
    const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    const signedAt = (ms: number) => createTokens([...ours], () => Date.now() + ms).signAccess(claims, HOST);
    return {
      nobody: undefined,
      'nobody, with a token': `Bearer ${await tokens.signAccess(nobody, HOST)}`,
      'a user, by password': basic('alice', 'open sesame'),
      'a user, by token': `bearer ${good}`,
      'a user, by a token of the secret before': `Bearer ${good}`,
      'a user, with a wrong password': basic('alice', 'open barley'),
      'a user, with no password': basic('alice', ''),
      'a user nobody knows': basic('ali', 'open sesame'),
      'someone with another scheme': 'Digest username="alice"',
      'someone with half a header': 'Basic YWxpY2U=',
      'a token that has ended': `Bearer ${await signedAt(-HOUR - 11_000)}`,
      'a token of another secret': `Bearer ${await createTokens([randomUUID()]).signAccess(claims, HOST)}`,
      'a token that was changed': `Bearer ${header}.${Buffer.from(changed).toString('base64url')}.${signature}`,
      'a token that is not signed': `Bearer ${unsigned}.${payload}.`,
      'a token for another host': `Bearer ${await tokens.signAccess(claims, 'elsewhere.example.org')}`,
      'a token that begins tomorrow': `Bearer ${await signedAt(24 * HOUR)}`,
      'a token to have others with': `Bearer ${await tokens.signRefresh({ user, fingerprint: 'x' }, HOST)}`,
      'no token at all': 'Bearer x',
      'a token for another repository': `Bearer ${await tokens.signAccess({ user, repositories: [`${repository}/jq` as RepositoryName] }, HOST)}`,
    };
  }
});

function outcomeOf(answer: Received, method: string, scheme: 'Basic' | 'Bearer'): Outcome {
  if (answer.status !== 401) {
    assert.ok([200, 307].includes(answer.status), String(answer.status));
    return /^private\b/.test(answer.headers['cache-control'] ?? '') ? 'served privately' : 'served';
  }
  // Of HEAD there is no body to read.
  if (method === 'HEAD') {
    assert.ok(answer.headers['www-authenticate']?.startsWith(scheme));
    return (/error="(\w+)"/.exec(answer.headers['www-authenticate'] ?? '')?.[1] ??
      'asked to log in') as Outcome;
  }
  return (challenge(answer, scheme)['error'] ?? 'asked to log in') as Outcome;
}
