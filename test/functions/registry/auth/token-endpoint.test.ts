import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '../ready-image.ts';
import { Served, type Received } from '../served.ts';
import { specError } from '../spec-errors.ts';
import { basic, challenge, granted, postForm } from './clients.ts';
import { HOST, serveUsers, type LoggedIn } from './logged-in.ts';
import { userLine, UsersFile } from './users-file.ts';

const SECRET = 'what the instances of this deployment share'.replaceAll(' ', '-');
const ALICE = basic('alice', 'open sesame');

describe('the token endpoint', () => {
  let cloud: Cloud;
  let users: UsersFile;
  let byUsers: LoggedIn;
  let byBoth: LoggedIn;
  /** Where there are no tokens. */
  let byNobody: Served;
  let served: Served;
  let name: string;

  before(async () => {
    cloud = await Cloud.start();
    users = await UsersFile.of(await userLine('alice', 'open sesame'), await userLine('bob', 'barley'));
    byUsers = await serveUsers(cloud, { DERIVERY_USERS_FILE: users.path, DERIVERY_TOKEN_SECRET: SECRET });
    byBoth = await serveUsers(cloud, { DERIVERY_USERS_FILE: users.path, DERIVERY_ACCESS: 'both' });
    served = byUsers.served;
    byNobody = await Served.start('node:http', cloud, 60_000);
    name = (await readyImage(cloud, '{"for":"tokens"}')).name;
  });
  after(async () => {
    await byUsers[Symbol.asyncDispose]();
    await byBoth[Symbol.asyncDispose]();
    await byNobody[Symbol.asyncDispose]();
    await users[Symbol.asyncDispose]();
    await cloud[Symbol.asyncDispose]();
  });

  const get = (query: string, authorization?: string, from: Served = served): Promise<Received> =>
    from.send(`/token?${query}`, { headers: { host: HOST, ...(authorization && { authorization }) } });
  const post = (form: Readonly<Record<string, string>>, headers = {}): Promise<Received> =>
    postForm(served, form, { host: HOST, ...headers });
  const pull = (token: string, from = served): Promise<Received> =>
    from.send(`/v2/${name}/manifests/latest`, { headers: { host: HOST, authorization: `Bearer ${token}` } });

  test('gives a token to whoever logs in, as docker and podman do', async () => {
    const scope = `repository:${name}:pull`;
    const answer = granted(await get(`scope=${scope}&service=${HOST}&account=alice`, ALICE));
    assert.equal(answer.scope, scope);
    assert.equal(answer.refresh_token, undefined);
    assert.equal((await pull(answer.token)).status, 200);
  });

  test('gives a token for a form, as containerd does', async () => {
    const answer = granted(
      await post({
        grant_type: 'password',
        username: 'alice',
        password: 'open sesame',
        service: HOST,
        client_id: 'containerd-client',
        scope: `repository:${name}:pull`,
      }),
    );
    assert.equal((await pull(answer.token)).status, 200);
  });

  test('gives docker a token in place of the password, until the password is another', async () => {
    const login = `account=alice&client_id=docker&offline_token=true&service=${HOST}`;
    const { token, refresh_token: refresh = '' } = granted(await get(login, ALICE));
    const ping = await served.send('/v2/', { headers: { host: HOST, authorization: `Bearer ${token}` } });
    assert.equal(ping.status, 200);
    const form = { grant_type: 'refresh_token', refresh_token: refresh, scope: `repository:${name}:pull` };
    assert.equal((await pull(granted(await post(form)).token)).status, 200);

    /** Another instance reads the file as it is now, and not two seconds later. */
    async function refreshElsewhere(): Promise<Received> {
      await using instance = await serveUsers(cloud, {
        DERIVERY_USERS_FILE: users.path,
        DERIVERY_TOKEN_SECRET: SECRET,
      });
      return await postForm(instance.served, form, { host: HOST });
    }
    granted(await refreshElsewhere());
    const [alice, bob] = [await userLine('alice', 'open sesame'), await userLine('bob', 'barley')];
    for (const changed of [[await userLine('alice', 'another'), bob], [alice, bob], [bob]]) {
      await users.replace(...changed);
      assert.equal(challenge(await refreshElsewhere(), 'Basic')['realm'], 'derivery');
    }
    await users.replace(alice, bob);
  });

  test('gives no token that replaces a password to nobody, nor for nothing', async () => {
    const anonymous = granted(await get('offline_token=true', undefined, byBoth.served));
    assert.equal(anonymous.refresh_token, undefined);
    const { token } = granted(await get('', ALICE));
    for (const refresh of [token, '', 'x', 'a.b.c']) {
      assert.equal((await post({ grant_type: 'refresh_token', refresh_token: refresh })).status, 401);
    }
  });

  test('gives nobody a token where everyone may pull, and none where only users may', async () => {
    const scope = `scope=repository:${name}:pull`;
    const answer = granted(await get(scope, undefined, byBoth.served));
    assert.equal((await pull(answer.token, byBoth.served)).status, 200);
    assert.match(specError(await get(scope), 401).message, /only users may pull/);
  });

  test('does not say what of a login was wrong', async () => {
    const wrong = [['alice', 'open barley'], ['alice', ''], ['ali', 'open sesame'], ['', 'x'], ['a b', 'x'], ['alice', 'x\0y']] as const; // prettier-ignore
    const answers = new Set<string>();
    for (const [user, password] of wrong) {
      for (const answer of [
        await get('', basic(user, password)),
        await post({ grant_type: 'password', username: user, password }),
      ]) {
        const { headers, status, body } = answer;
        answers.add(JSON.stringify([status, headers['www-authenticate'], body.toString()]));
      }
    }
    assert.equal(answers.size, 1, [...answers].join('\n'));
  });

  test('gives what there is of what is asked: pulls', async () => {
    const asked = 'scope=repository:a:pull,push repository:b:push&scope=registry:catalog:*&scope=repository(x):a/b:*&scope=&scope=repository:A:pull'; // prettier-ignore
    const { scope } = granted(await get(asked.replaceAll(' ', '%20'), ALICE));
    assert.equal(scope, 'repository:a:pull repository:a/b:pull');
    const many = Array.from({ length: 17 }, (_, index) => `scope=repository:p${index}:pull`).join('&');
    specError(await get(many, ALICE), 400);
  });

  test('T20: gives no token for another host', async () => {
    const answer = await get('service=elsewhere.example.org', ALICE);
    assert.equal(specError(answer, 400).code, 'UNSUPPORTED');
    assert.match(specError(answer, 400).message, /registry\.example\.org only/);
  });

  test('logs nothing of a form whose client leaves in the middle', async () => {
    const logged = served.lines.length;
    const head = `POST /token HTTP/1.1\r\nhost: ${HOST}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\n`;
    await served.sendRaw(`${head}grant_type=`);
    await get('', ALICE);
    assert.deepEqual(served.lines.slice(logged), []);
  });

  test('understands small forms only', async () => {
    const form = { grant_type: 'password', username: 'alice', password: 'open sesame' };
    const cases: readonly [status: number, answer: Promise<Received>][] = [
      [400, post({ ...form, grant_type: 'authorization_code' })],
      [400, post({})],
      [413, post({ ...form, scope: 'x'.repeat(20_000) })],
      [415, post(form, { 'content-type': 'application/json' })],
      [415, post(form, { 'content-encoding': 'gzip' })],
      [400, get('', 'Bearer x')],
      [400, get('', 'Basic x')],
    ];
    for (const [status, answer] of cases) specError(await answer, status);
    const chunked = `POST /token HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n`;
    const flood = await served.sendRaw(`${chunked}${'4000\r\n'.concat('x'.repeat(0x4000), '\r\n').repeat(3)}`, { leaveOpen: true }); // prettier-ignore
    assert.match(flood, /^HTTP\/1\.1 413/);
    for (const [status, host, from] of [
      [400, 'a"b', served],
      [404, HOST, byNobody],
    ] as const) {
      // prettier-ignore
      const answer = await from.sendRaw(`${chunked.replace(HOST, host).replace('connection: close', 'x: y')}4\r\n`, { leaveOpen: true }); // prettier-ignore
      assert.match(
        answer,
        new RegExp(`^HTTP/1\\.1 ${status}`),
        'and the connection is closed, before the form has an end',
      );
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const answer = await served.send('/token', { method, headers: { host: HOST } });
      assert.equal(specError(answer, 405).code, 'UNSUPPORTED');
      assert.equal(answer.headers.allow, 'GET, HEAD, POST');
    }
  });
});
