import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { TransientError } from '#core/errors.ts';
import { parseAllowList } from '#functions/registry/auth/allow-list.ts';
import { googleIdentities } from '#functions/registry/auth/google-identities.ts';
import type { IdentityProvider } from '#functions/registry/auth/identity.ts';
import { userNameSchema } from '#functions/registry/caller.ts';
import { startGoogleIdentities, type GoogleIdentitiesServer } from '#local/google-identities/server.ts';

const AUDIENCE = 'https://registry.example.org';
const ROBOT = 'ci@project.iam.gserviceaccount.com';
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';
const MINUTE = 60_000;

const seconds = (fromNow: number): number => Math.floor(Date.now() / 1000) + fromNow;

/** What Google says of a token that a person's `gcloud` has. */
const PERSON = {
  email: 'Alice@Example.org',
  email_verified: 'true',
  scope: `openid https://www.googleapis.com/auth/userinfo.email ${CLOUD_PLATFORM}`,
  exp: String(seconds(3600)),
};
const CLAIMS = { aud: AUDIENCE, email: ROBOT, sub: '1' };

describe('Google identities', () => {
  let google: GoogleIdentitiesServer;

  before(async () => {
    google = await startGoogleIdentities();
  });
  after(() => google.close());

  const provider = (allowed = `*@example.org ${ROBOT}`): IdentityProvider =>
    googleIdentities({
      allows: parseAllowList(allowed),
      tokenInfoUrl: google.tokenInfoUrl,
      keysUrl: google.keysUrl,
      audience: AUDIENCE,
    });
  const verify = (password: string, users = provider()) =>
    users.verify({ user: 'oauth2accesstoken', password });

  test('have the names that clients write for them', () => {
    const isFor = (user: string) => provider().isFor({ user, password: 'x' });
    assert.deepEqual(
      ['oauth2accesstoken', '_dcgcloud_token', 'alice', '_json_key', 'Oauth2accesstoken', ''].map(isFor),
      [true, true, false, false, false, false],
    );
  });

  test('by an access token are the address that Google says, for some minutes', async () => {
    const identity = await verify(google.accessToken(PERSON));
    assert.deepEqual(identity, { user: 'alice@example.org', believedMs: 5 * MINUTE });
    const short = await verify(google.accessToken({ ...PERSON, exp: String(seconds(60)) }));
    assert.ok(short !== undefined && short.believedMs <= MINUTE, 'no longer than the token lives');
  });

  const bad: readonly [what: string, info: Partial<Record<keyof typeof PERSON, string>>][] = [
    ['of nobody who is on the list', { email: 'alice@example.com' }],
    ['of a domain that ends alike', { email: 'alice@badexample.org' }],
    ['of a domain below', { email: 'alice@sub.example.org' }],
    ['whose address nobody has verified', { email_verified: 'false' }],
    [
      'that a web site was given to know an address by',
      { scope: 'openid https://www.googleapis.com/auth/userinfo.email' },
    ],
    ['that has ended', { exp: String(seconds(-1)) }],
    ['of an address that is none', { email: 'alice @example.org' }],
  ];
  for (const [what, info] of bad) {
    test(`are not by an access token ${what}`, async () => {
      assert.equal(await verify(google.accessToken({ ...PERSON, ...info })), undefined);
    });
  }

  test('are not by an access token that Google does not know, or not any more', async () => {
    assert.equal(await verify('ya29.unknown'), undefined);
    assert.equal(await verify(''), undefined);
    const token = google.accessToken(PERSON);
    google.revoke(token);
    assert.equal(await verify(token), undefined);
  });

  test('by an ID token are checked without asking Google', async () => {
    const users = provider();
    const [asked, keys] = [google.asked.tokens, google.asked.keys];
    for (let number = 0; number < 5; number += 1) {
      const identity = await verify(await google.idToken({ ...CLAIMS, sub: String(number) }), users);
      assert.equal(identity?.user, ROBOT);
    }
    assert.equal(google.asked.tokens, asked);
    assert.equal(google.asked.keys, keys + 1, 'the keys are read once');
  });

  const badClaims: readonly [what: string, claims: JWTPayload][] = [
    ['for another service', { aud: 'https://elsewhere.example.org' }],
    ['for a service of a longer name', { aud: `${AUDIENCE}.evil.example` }],
    ['that is another’s', { iss: 'https://evil.example' }],
    ['that has ended', { exp: seconds(-1) }],
    ['of an address that nobody has verified', { email_verified: false }],
    ['of no address', { email: undefined }],
    ['of somebody else', { email: 'other@project.iam.gserviceaccount.com' }],
  ];
  for (const [what, claims] of badClaims) {
    test(`are not by an ID token ${what}`, async () => {
      assert.equal(await verify(await google.idToken({ ...CLAIMS, ...claims })), undefined);
    });
  }

  test('are not by an ID token that Google has not signed', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    assert.equal(await verify(await google.idToken(CLAIMS, privateKey)), undefined);
    const claims = { ...CLAIMS, iss: 'https://accounts.google.com', email_verified: true, exp: seconds(60) };
    assert.equal(await verify(`${new UnsecuredJWT(claims).encode()}x`), undefined);
    const hmac = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'the-only-key' });
    assert.equal(await verify(await hmac.sign(Buffer.alloc(32))), undefined);
    const unknown = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'another' });
    assert.equal(await verify(await unknown.sign(privateKey)), undefined);
  });

  test('cannot be told while Google is silent: that is no refusal', async () => {
    const silent = await startGoogleIdentities();
    const settings = { allows: parseAllowList(ROBOT), tokenInfoUrl: silent.tokenInfoUrl, keysUrl: silent.keysUrl, audience: AUDIENCE }; // prettier-ignore
    const users = googleIdentities(settings);
    const token = await silent.idToken(CLAIMS);
    silent.fail();
    await assert.rejects(verify(token, users), TransientError);
    await assert.rejects(verify('ya29.x', users), TransientError);
    await silent.close();
    await assert.rejects(verify(token, googleIdentities(settings)), TransientError);
    await assert.rejects(verify('ya29.y', users), TransientError);
  });
});

describe('a list of Google identities', () => {
  test('has addresses and domains, in upper or lower case', () => {
    const allows = parseAllowList('Bob@Example.com, *@example.ORG\n ci@p.iam.gserviceaccount.com');
    const isAllowed = (email: string) => allows(userNameSchema.parse(email));
    assert.deepEqual(
      ['bob@example.com', 'alice@example.com', 'alice@example.org', ROBOT, '*@example.org@evil.example', 'example.org'].map(isAllowed),
      [true, false, true, false, false, false],
    ); // prettier-ignore
  });

  for (const entry of ['*', '*@*', '*@org', 'alice', '@example.org', 'a*@example.org', '*@example.org/x']) {
    test(`cannot have ${entry}`, () => {
      assert.throws(
        () => parseAllowList(`bob@example.com ${entry}`),
        /neither an e-mail address nor a domain/,
      );
    });
  }
});
