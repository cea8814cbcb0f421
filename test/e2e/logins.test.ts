// Real clients that log in and pull, by tokens and by user and password at every request, through builds that take longer than
// a request is held.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { Cloud } from '#test/cloud.ts';
import { userLine, UsersFile } from '#test/functions/registry/auth/users-file.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { startContainerd } from './containerd.ts';
import { startDockerEngine } from './docker-engine.ts';
import { Fleet } from './fleet.ts';
import { openPodman } from './podman.ts';

/** A Docker engine cannot be started by an ordinary user. Where everything has to be tested, that is a failure. */
const skip = process.getuid?.() !== 0 && process.env['CI'] !== 'true' && 'dockerd needs root';

/** A request is held for a part of this time: whoever pulls is sent on, again and again. */
const BUILD_SECONDS = 3;
const HOLD_SECONDS = 1.5;

const USER = 'alice';
const PASSWORD = 'open-sesame-2871';

interface Ended {
  readonly exitCode: number | undefined;
  readonly all: string;
}

interface Client {
  readonly login: (registry: string, password: string) => Promise<Ended>;
  readonly pull: (image: string) => Promise<Ended>;
}

/** A client for one person, whose logins are kept in this folder: two who log in at the same time lose one of them. */
type NewClient = (folder: string) => Client;

test('logging in', { timeout: 180_000, skip, concurrency: 8 }, async context => {
  await using cloud = await Cloud.start();
  await using users = await UsersFile.of(await userLine(USER, PASSWORD));
  const folder = await mkdtemp(join(tmpdir(), 'derivery-logins-'));
  context.after(() => rm(folder, { recursive: true, force: true }));

  await using engine = await startDockerEngine();
  await using containerd = await startContainerd();
  await using podman = await openPodman();
  const clients: Readonly<Record<string, NewClient>> = {
    docker: logins => ({
      login: (registry, password) => engine.dockerOf(logins, 'login', '-u', USER, '-p', password, registry),
      pull: image => engine.dockerOf(logins, 'pull', image),
    }),
    podman: logins => {
      const auth = ['--tls-verify=false', `--authfile=${join(logins, 'auth.json')}`];
      return {
        login: (registry, password) => podman.podman('login', ...auth, '-u', USER, '-p', password, registry),
        pull: image => podman.podman('pull', ...auth, image),
      };
    },
    skopeo: logins => {
      const auth = `authfile=${join(logins, 'auth.json')}`;
      const source = ['--src-tls-verify=false', `--src-${auth}`];
      return {
        login: (registry, password) =>
          skopeo('login', '--tls-verify=false', `--${auth}`, '-u', USER, '-p', password, registry),
        pull: image => skopeo('copy', ...source, `docker://${image}`, `dir:${join(logins, randomUUID())}`),
      };
    },
  };
  async function newLogins(name: string): Promise<string> {
    const logins = join(folder, name);
    await mkdir(logins);
    await writeFile(join(logins, 'auth.json'), '{}');
    return logins;
  }

  const packages = Object.keys(clients).flatMap(client => [`${client}-bearer`, `${client}-basic`]);
  await using fleet = await newFleet([...packages, 'for-all']);
  const [bearer, basic, both] = await Promise.all([
    fleet.startRegistry({ DERIVERY_ACCESS: 'users' }),
    fleet.startRegistry({ DERIVERY_ACCESS: 'users', DERIVERY_CHALLENGE: 'basic' }),
    fleet.startRegistry({ DERIVERY_ACCESS: 'both' }),
    fleet.startWorker(),
  ]);
  const programs = [bearer, basic, both];

  const tests = Object.entries(clients).flatMap(([client, newClient]) => [
    ...Object.entries({ bearer, basic }).map(([scheme, { address }]) =>
      context.test(`${client} pulls what is built meanwhile, and what is there, by ${scheme}`, async () => {
        const { login, pull } = newClient(await newLogins(`${client}-${scheme}`));
        const image = `${address}/${client}-${scheme}:latest`;
        const refused = await pull(image);
        assert.notEqual(refused.exitCode, 0, refused.all);
        const wrong = await login(address, 'open-barley');
        assert.notEqual(wrong.exitCode, 0, wrong.all);
        assert.match(wrong.all, /unauthorized|invalid username\/password/i);
        const right = await login(address, PASSWORD);
        assert.match(right.all, /Login Succeeded/);
        for (const state of ['cold', 'ready']) {
          const { exitCode, all } = await pull(image);
          assert.equal(exitCode, 0, `${state}: ${all}`);
        }
      }),
    ),

    context.test(`${client} pulls without a login where everyone may, and logs in there`, async () => {
      const { login, pull } = newClient(await newLogins(`${client}-both`));
      const image = `${both.address}/for-all:latest`;
      const pulled = await pull(image);
      assert.equal(pulled.exitCode, 0, pulled.all);
      const wrong = await login(both.address, 'open-barley');
      assert.notEqual(wrong.exitCode, 0, wrong.all);
      const right = await login(both.address, PASSWORD);
      assert.match(right.all, /Login Succeeded/);
      const again = await pull(image);
      assert.equal(again.exitCode, 0, again.all);
    }),
  ]);
  tests.push(
    context.test('ctr pulls with user and password, and as nobody where everyone may', async () => {
      const pull = (address: string, ...args: string[]) =>
        containerd.ctr('images', 'pull', '--plain-http', ...args, `${address}/for-all:latest`);
      for (const { address } of [bearer, basic, both]) {
        const pulled = await pull(address, '--user', `${USER}:${PASSWORD}`);
        assert.equal(pulled.exitCode, 0, pulled.all);
      }
      assert.equal((await pull(both.address)).exitCode, 0);
      const refused = await pull(bearer.address);
      assert.notEqual(refused.exitCode, 0, refused.all);
    }),
  );
  await Promise.all(tests);

  await context.test('docker keeps a token instead of the password', async () => {
    const config = await readFile(join(folder, 'docker-bearer/config.json'), 'utf8');
    const { auths } = JSON.parse(config) as {
      auths: Record<string, { auth?: string; identitytoken?: string }>;
    };
    assert.match(auths[bearer.address]?.identitytoken ?? '', /^eyJ/);
    const kept = Buffer.from(auths[bearer.address]?.auth ?? '', 'base64').toString();
    assert.doesNotMatch(kept, new RegExp(PASSWORD));
  });

  await context.test('no log has a password or a token', () => {
    const lines = programs.flatMap(({ log }) => log.lines).join('\n');
    assert.ok(lines.includes('a login was refused'));
    for (const secret of [
      PASSWORD,
      'open-barley',
      'eyJ',
      Buffer.from(`${USER}:`).toString('base64').slice(0, 7),
    ]) {
      assert.ok(!lines.includes(secret), secret);
    }
  });

  /** One worker that builds all at the same time; each package takes longer than a request is held. */
  async function newFleet(names: readonly string[]): Promise<Fleet> {
    const set = await debianSet();
    const fresh = randomUUID();
    const source = await scratchSet(context, {
      ...Object.fromEntries(ALWAYS_PACKAGES.map(name => [name, `echo ${fresh} >$out`])),
      ...Object.fromEntries(names.map(name => [name, `sleep ${BUILD_SECONDS}; echo ${fresh} >$out`])),
    });
    return Fleet.start(cloud, set, source, {
      DERIVERY_TOKEN_SECRET: randomUUID(),
      DERIVERY_USERS_FILE: users.path,
      DERIVERY_HOLD_SECONDS: String(HOLD_SECONDS),
      DERIVERY_LONG_HOLD_SECONDS: String(HOLD_SECONDS),
      DERIVERY_BUILD_SLOTS: String(names.length),
    });
  }
});

async function skopeo(...args: string[]): Promise<Ended> {
  const { exitCode, all } = await execa('skopeo', args, { reject: false, all: true });
  return { exitCode, all };
}
