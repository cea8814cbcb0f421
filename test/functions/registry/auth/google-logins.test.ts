// Google identities over the whole way: as user and password at every request, and for a token.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGoogleIdentities, type GoogleIdentitiesServer } from '#local/google-identities/server.ts';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '../ready-image.ts';
import type { Received } from '../served.ts';
import { specError } from '../spec-errors.ts';
import { basic, granted, postForm } from './clients.ts';
import { serveUsers, type LoggedIn } from './logged-in.ts';
import { userLine, UsersFile } from './users-file.ts';

const ADDRESS = 'https://registry.example.org';
const HOST = new URL(ADDRESS).host;

describe('logins by Google’s tokens', () => {
  let cloud: Cloud;
  let google: GoogleIdentitiesServer;
  let users: UsersFile;
  let registry: LoggedIn;
  let name: string;

  before(async () => {
    cloud = await Cloud.start();
    google = await startGoogleIdentities();
    users = await UsersFile.of(await userLine('alice', 'open sesame'));
    registry = await serveUsers(cloud, {
      DERIVERY_PUBLIC_URL: ADDRESS,
      DERIVERY_USERS_FILE: users.path,
      DERIVERY_GOOGLE_USERS: '*@example.org',
      DERIVERY_TOKENINFO_URL: google.tokenInfoUrl,
      DERIVERY_GOOGLE_KEYS_URL: google.keysUrl,
    });
    name = (await readyImage(cloud, '{"for":"google"}')).name;
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await users[Symbol.asyncDispose]();
    await google.close();
    await cloud[Symbol.asyncDispose]();
  });

  const accessToken = (email: string): string =>
    google.accessToken({
      email,
      email_verified: 'true',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      exp: String(Math.floor(Date.now() / 1000) + 3600),
    });
  const send = (target: string, authorization: string, host = HOST): Promise<Received> =>
    registry.served.send(target, { headers: { host, authorization } });
  const pull = (authorization: string): Promise<Received> =>
    send(`/v2/${name}/manifests/latest`, authorization);

  test('let a person pull, whom Google is asked about once', async () => {
    const authorization = basic('oauth2accesstoken', accessToken('alice@example.org'));
    const { tokens } = google.asked;
    for (let number = 0; number < 5; number += 1) assert.equal((await pull(authorization)).status, 200);
    const query = `service=${HOST}&scope=repository:${name}:pull&offline_token=true`;
    const { token, refresh_token: refresh } = granted(await send(`/token?${query}`, authorization));
    assert.equal(refresh, undefined, 'it would outlive what it is given for');
    assert.equal((await pull(`Bearer ${token}`)).status, 200);
    assert.equal(google.asked.tokens, tokens + 1);
  });

  test('let a service account pull, by the ID token that it has for us', async () => {
    const password = await google.idToken({ aud: ADDRESS, email: 'ci@example.org' });
    assert.equal((await pull(basic('_dcgcloud_token', password))).status, 200);
    const form = {
      grant_type: 'password',
      username: 'oauth2accesstoken',
      password,
      scope: `repository:${name}:pull`,
    };
    const { token } = granted(await postForm(registry.served, form, { host: HOST }));
    assert.equal((await pull(`Bearer ${token}`)).status, 200);
  });

  test('do not let in whoever has an ID token for another service, and says to be there', async () => {
    const password = await google.idToken({ aud: 'https://other.example.org', email: 'ci@example.org' });
    const answer = await send('/v2/', basic('oauth2accesstoken', password), 'other.example.org');
    assert.equal(specError(answer, 401).code, 'UNAUTHORIZED');
    assert.match(answer.headers['www-authenticate'] ?? '', /realm="https:\/\/registry\.example\.org\/token"/);
  });

  test('go on beside those of users with a password', async () => {
    assert.equal((await pull(basic('alice', 'open sesame'))).status, 200);
    assert.equal((await pull(basic('oauth2accesstoken', 'open sesame'))).status, 401);
    assert.equal((await pull(basic('alice', accessToken('alice@example.org')))).status, 401);
  });

  test('are not decided while Google is silent', async () => {
    const authorization = basic('oauth2accesstoken', accessToken('bob@example.org'));
    google.fail();
    const answer = await pull(authorization);
    assert.equal(specError(answer, 503).code, 'UNAVAILABLE');
    assert.equal(answer.headers['retry-after'], '5');
    assert.equal((await pull(basic('alice', 'open sesame'))).status, 200);
  });
});
