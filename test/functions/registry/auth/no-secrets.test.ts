// Whatever someone sends to say who they are is in no answer but the one that gives a token, and in no log.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { startGoogleIdentities, type GoogleIdentitiesServer } from '#local/google-identities/server.ts';
import type { Received, Sending } from '../served.ts';
import { basic, granted } from './clients.ts';
import { HOST, serveUsers } from './logged-in.ts';
import { userLine, UsersFile } from './users-file.ts';

const PASSWORD = 'hunter2-open-sesame';
const TOKEN_SECRET = 'hunter2-what-the-instances-have-in-common';
const AUDIENCE = `https://${HOST}`;

/** What is answered at once, also to who may pull. */
const ROUTES = [
  '/',
  '/v2/',
  '/v2/hello/manifests/-',
  `/v2/hello/manifests/sha256:${'0'.repeat(64)}`,
  `/v2/hello/blobs/sha256:${'0'.repeat(64)}`,
  '/v2/hello/tags/list',
  '/v2/_catalog',
  '/v2/HELLO/manifests/latest',
  '/nowhere',
];

describe('what people log in with', () => {
  let cloud: Cloud;
  let users: UsersFile;
  let google: GoogleIdentitiesServer;

  before(async () => {
    cloud = await Cloud.start();
    users = await UsersFile.of(await userLine('alice', PASSWORD), `broken:${PASSWORD}`, PASSWORD);
    google = await startGoogleIdentities();
  });
  after(async () => {
    await google.close();
    await users[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  test('is in no log and in no answer, whatever goes wrong', async () => {
    await using registry = await serveUsers(cloud, {
      DERIVERY_TOKEN_SECRET: TOKEN_SECRET,
      DERIVERY_USERS_FILE: users.path,
      DERIVERY_PUBLIC_URL: AUDIENCE,
      DERIVERY_GOOGLE_USERS: 'ci@example.org',
      DERIVERY_TOKENINFO_URL: google.tokenInfoUrl,
      DERIVERY_GOOGLE_KEYS_URL: google.keysUrl,
    });
    const answers: Received[] = [];
    const send = async (target: string, sending: Sending): Promise<Received> => {
      const headers = { host: HOST, ...sending.headers };
      const answer = await registry.served.send(target, { ...sending, headers });
      answers.push(answer);
      return answer;
    };
    const login = { headers: { host: HOST, authorization: basic('alice', PASSWORD) } };
    // The answer that is meant to have a token is not kept with the others.
    const given = granted(await registry.served.send('/token?offline_token=true', login));
    const idToken = await google.idToken({ aud: AUDIENCE, email: 'eve@example.org' });
    const accessToken = google.accessToken({ email: 'eve@example.org', email_verified: 'true', exp: '1' });
    const secrets = [PASSWORD, TOKEN_SECRET, given.token, given.refresh_token ?? '', idToken, accessToken];
    const headers = secrets.flatMap(secret => [
      basic('alice', secret),
      basic(secret, secret),
      basic('oauth2accesstoken', secret),
      `Bearer ${secret}`,
      `Basic ${secret}`,
      `Digest ${secret}`,
    ]);

    for (const [index, authorization] of headers.entries()) {
      // Each from somewhere else, so that each is looked at.
      const from = { authorization, 'x-forwarded-for': `198.51.100.${index}` };
      for (const target of ROUTES) await send(target, { headers: from });
    }
    for (const secret of secrets) {
      const query = `password=${secret}&access_token=${secret}&scope=repository:${secret}:pull&service=${secret}`;
      await send(`/token?${query}`, {});
      for (const form of [
        query,
        `grant_type=password&username=${secret}&password=${secret}`,
        `grant_type=refresh_token&refresh_token=${secret}x`,
        secret,
      ]) {
        // prettier-ignore
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        await send('/token', { method: 'POST', headers: type, body: form });
      }
    }
    google.fail();
    for (const [index, password] of ['ya29.hunter2', `${idToken.slice(0, -4)}AAAA`].entries()) {
      const from = {
        'x-forwarded-for': `192.0.2.${index}`,
        authorization: basic('_dcgcloud_token', password),
      };
      assert.equal(
        (await send(`/token?password=${password}`, { headers: from })).status,
        index === 0 ? 503 : 401,
      );
    }

    const sent = answers.map(answer => JSON.stringify([answer.headers, answer.body.toString()])).join('\n');
    const logged = JSON.stringify([registry.lines, registry.served.lines]);
    assert.match(logged, /a login was refused/);
    assert.match(logged, /a request failed/);
    for (const secret of [...secrets, 'hunter2']) {
      for (const form of [
        secret,
        encodeURIComponent(secret),
        Buffer.from(secret).toString('base64').slice(0, -4),
      ]) {
        // prettier-ignore
        assert.ok(!logged.includes(form), `the log has ${form}`);
        // The service that was asked for is not repeated either.
        assert.ok(!sent.includes(form), `an answer has ${form}`);
      }
    }
  });
});
