// Floods of wrong passwords at a running registry: what they are answered, and that users go on.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '../ready-image.ts';
import type { Received } from '../served.ts';
import { specError } from '../spec-errors.ts';
import { basic, granted, postForm } from './clients.ts';
import { HOST, serveUsers, type LoggedIn } from './logged-in.ts';
import { userLine, UsersFile } from './users-file.ts';

/** A check takes so long that a flood meets itself. */
const COST = 8;

const FLOOD = 100;
const ALICE = basic('alice', 'open sesame');
const HOME = '192.0.2.1';

describe('a flood of wrong passwords', () => {
  let cloud: Cloud;
  let users: UsersFile;
  let registry: LoggedIn;
  let target: string;
  let token: string;

  before(async () => {
    cloud = await Cloud.start();
    users = await UsersFile.of(await userLine('alice', 'open sesame', COST));
    registry = await serveUsers(cloud, { DERIVERY_USERS_FILE: users.path });
    const { name } = await readyImage(cloud, '{"in":"a flood"}');
    target = `/v2/${name}/manifests/latest`;
    const answer = await registry.served.send(`/token?scope=repository:${name}:pull`, {
      headers: { host: HOST, authorization: ALICE, 'x-forwarded-for': HOME },
    });
    token = granted(answer).token;
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await users[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  const pull = (authorization: string, address: string): Promise<Received> =>
    registry.served.send(target, { headers: { host: HOST, authorization, 'x-forwarded-for': address } });

  /** Half of it where images are, half where tokens are: each guess another. */
  const flood = (addressOf: (number: number) => string): Promise<Received>[] =>
    Array.from({ length: FLOOD }, (_, number) => {
      const [user, password] = [number % 4 < 2 ? 'alice' : 'malice', `guess ${number}`];
      return number % 2 === 0
        ? pull(basic(user, password), addressOf(number))
        : postForm(
            registry.served,
            { grant_type: 'password', username: user, password },
            { host: HOST, 'x-forwarded-for': addressOf(number) },
          );
    });

  /** How many were refused for what they are; all others have to be told to come back. */
  const refusals = (answers: readonly Received[]): number => {
    for (const answer of answers) {
      if (answer.status === 401) continue;
      assert.equal(specError(answer, 429).code, 'TOOMANYREQUESTS');
      assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d?$/);
    }
    return answers.filter(({ status }) => status === 401).length;
  };

  async function assertUserIsServed(address: string): Promise<void> {
    for (const authorization of [ALICE, `Bearer ${token}`]) {
      assert.equal((await pull(authorization, address)).status, 200);
    }
  }

  test('from one address is looked at ten times, and a user of the same address goes on', async () => {
    const answers = flood(() => HOME);
    await assertUserIsServed(HOME);
    assert.equal(refusals(await Promise.all(answers)), 10);
    await assertUserIsServed(HOME);
    const refused = registry.lines.filter(({ message }) => message === 'a login was refused');
    assert.equal(refused.length, 10);
  });

  test('from many addresses is looked at as far as there is room, and users go on', async () => {
    const answers = flood(number => `198.51.100.${number}`);
    await assertUserIsServed('192.0.2.2');
    const looked = refusals(await Promise.all(answers));
    assert.ok(looked < FLOOD, 'others were sent away');
    await assertUserIsServed(HOME);
  });

  test('has nothing of it in the log', () => {
    const lines = JSON.stringify([registry.lines, registry.served.lines]);
    assert.doesNotMatch(lines, /guess|sesame|malice|eyJ|Basic|Bearer/);
  });
});
