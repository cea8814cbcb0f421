import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { repositoryNameSchema } from '#core/reference.ts';
import { createTokens } from '#functions/registry/auth/tokens.ts';
import { userNameSchema } from '#functions/registry/caller.ts';

const SECRET = 'what the instances have in common';
const HOST = 'registry.example.org';
const user = userNameSchema.parse('alice');
const ACCESS = { user, repositories: [repositoryNameSchema.parse('shell/git')] };
const REFRESH = { user, fingerprint: 'print' };

describe('tokens', () => {
  const clock = { now: Date.UTC(2030, 0, 1) };
  const tokens = createTokens([SECRET], () => clock.now);

  test('say whose they are and what for, for an hour', async () => {
    const token = await tokens.signAccess(ACCESS, HOST);
    assert.deepEqual(decodeJwt(token), {
      iss: 'derivery',
      aud: HOST,
      sub: 'alice',
      access: [{ type: 'repository', name: 'shell/git', actions: ['pull'] }],
      iat: clock.now / 1000,
      nbf: clock.now / 1000,
      exp: clock.now / 1000 + 3600,
    });
    assert.equal(decodeProtectedHeader(token).alg, 'HS256');
    assert.deepEqual(await tokens.readAccess(token, HOST), ACCESS);
    const at = (seconds: number) =>
      createTokens([SECRET], () => clock.now + seconds * 1000).readAccess(token, HOST);
    assert.deepEqual(await at(3599), ACCESS);
    assert.equal(await at(3611), undefined);
    assert.deepEqual(await at(-9), ACCESS, 'another instance’s clock may be behind');
    assert.equal(await at(-11), undefined);
  });

  test('are believed of every secret, and signed with the first', async () => {
    const rotated = createTokens(['a newer secret', SECRET], () => clock.now);
    assert.deepEqual(await rotated.readAccess(await tokens.signAccess(ACCESS, HOST), HOST), ACCESS);
    assert.equal(await tokens.readAccess(await rotated.signAccess(ACCESS, HOST), HOST), undefined);
    const refresh = await tokens.signRefresh(REFRESH, HOST);
    assert.deepEqual(await rotated.readRefresh(refresh, HOST), REFRESH);
  });

  test('of one kind are not taken for the other', async () => {
    assert.equal(await tokens.readAccess(await tokens.signRefresh(REFRESH, HOST), HOST), undefined);
    assert.equal(await tokens.readRefresh(await tokens.signAccess(ACCESS, HOST), HOST), undefined);
  });

  test('are nothing where what they say makes no sense, whoever signed it', async () => {
    const key = Buffer.from(SECRET);
    const header = { alg: 'HS256', typ: 'at+jwt' };
    const good = {
      sub: 'alice',
      access: [],
      nbf: clock.now / 1000,
      exp: clock.now / 1000 + 60,
      aud: HOST,
      iss: 'derivery',
    };
    const read = async (claims: object, protectedHeader = header) =>
      tokens.readAccess(
        await new SignJWT({ ...good, ...claims }).setProtectedHeader(protectedHeader).sign(key),
        HOST,
      );
    assert.notEqual(await read({}), undefined);
    for (const claims of [
      { sub: 'a lice' }, { sub: '' }, { sub: 1 }, { access: undefined }, { access: [{ type: 'repository', name: 'A', actions: ['pull'] }] },
      { access: [{ type: 'repository', name: 'a', actions: ['pull', 'push'] }] }, { aud: undefined }, { iss: 'other' }, { exp: undefined },
    ]) assert.equal(await read(claims), undefined, JSON.stringify(claims)); // prettier-ignore
    assert.equal(await read({}, { alg: 'HS256', typ: 'JWT' }), undefined);
    assert.equal(await read({}, { alg: 'HS384', typ: 'at+jwt' }).catch(() => undefined), undefined);
  });
});
