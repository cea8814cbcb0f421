import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startIamCredentials, type IamCredentialsServer } from '#local/iam-credentials/server.ts';

const email = 'registry@test.iam.gserviceaccount.com';
const payload = Buffer.from('sign this');

describe('signBlob', () => {
  let dataFolder: string;
  let server: IamCredentialsServer;

  before(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'derivery-iam-'));
    server = await startIamCredentials({ dataFolder });
  });
  after(async () => {
    await server.close();
    await rm(dataFolder, { recursive: true });
  });

  const call = async (path: string, options: RequestInit = {}) => {
    const answer = await fetch(`${server.url}/v1/projects/${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer any' },
      body: JSON.stringify({ payload: payload.toString('base64') }),
      ...options,
    });
    const body = (await answer.json()) as {
      keyId: string;
      signedBlob: string;
      error?: { code: number; status: string; message: string };
    };
    return { status: answer.status, body };
  };
  const sign = async (account: string) => {
    const { status, body } = await call(`-/serviceAccounts/${account}:signBlob`);
    assert.equal(status, 200, body.error?.message);
    return { keyId: body.keyId, signature: Buffer.from(body.signedBlob, 'base64') };
  };
  const isSignedBy = (account: string, signature: Buffer) => {
    const key = server.publicKeyOf(account);
    return key !== undefined && verify('RSA-SHA256', payload, key, signature);
  };

  test('signs with the account’s own key, the same for all who ask at once', async () => {
    const signed = await Promise.all(Array.from({ length: 5 }, () => sign(email)));
    assert.equal(new Set(signed.map(each => each.keyId)).size, 1);
    assert.match(signed[0]?.keyId ?? '', /^[0-9a-f]{40}$/);
    assert.ok(signed.every(each => isSignedBy(email, each.signature)));
    const other = await sign('other@test.iam.gserviceaccount.com');
    assert.ok(!isSignedBy(email, other.signature));
    assert.equal(server.publicKeyOf('never@test.iam.gserviceaccount.com'), undefined);
  });

  test('keeps its keys over a restart, for the owner’s eyes only', async () => {
    const { keyId, signature } = await sign(email);
    await server.close();
    server = await startIamCredentials({ dataFolder });
    assert.ok(isSignedBy(email, signature));
    assert.equal((await sign(email)).keyId, keyId);
    for (const file of await readdir(dataFolder)) {
      assert.equal((await stat(join(dataFolder, file))).mode & 0o077, 0);
    }
  });

  test('asks for a bearer token', async () => {
    for (const headers of [{}, { authorization: 'Basic eDp5' }, { authorization: 'Bearer' }]) {
      const { status, body } = await call(`-/serviceAccounts/${email}:signBlob`, { headers });
      assert.equal(status, 401);
      assert.equal(body.error?.status, 'UNAUTHENTICATED');
    }
  });

  test('refuses what it does not understand, and says what it does not do', async () => {
    for (const body of [
      '',
      '{',
      '{}',
      '{"payload":"!"}',
      '{"payload":""}',
      '{"payload":"eA==","delegates":["x"]}',
    ]) {
      const answer = await call(`-/serviceAccounts/${email}:signBlob`, { body });
      assert.deepEqual([answer.status, answer.body.error?.status], [400, 'INVALID_ARGUMENT'], body);
    }
    assert.equal((await call('-/serviceAccounts/..%2Fevil:signBlob')).status, 400);
    for (const path of [
      `-/serviceAccounts/${email}:generateAccessToken`,
      `x/serviceAccounts/${email}:signBlob`,
    ]) {
      const answer = await call(path);
      assert.deepEqual([answer.status, answer.body.error?.status], [501, 'UNIMPLEMENTED'], path);
      assert.match(answer.body.error?.message ?? '', /does not do this/);
    }
  });
});
