// `npm start` with a configuration that cannot work: one clear line, and the exit code 1.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { execa } from 'execa';
import { openStateFolder } from '#local/state-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

const START = resolve(import.meta.dirname, '../../../infra/local/start.ts');

interface Attempt {
  readonly options?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly asNobody?: boolean;
}

/** Runs the start to its end. The state folder is a fresh one where `env` names none. */
async function attempt(context: TestContext, { options = [], env, asNobody }: Attempt) {
  const state = join(await temporaryFolder(context), 'state');
  const nobody = asNobody === true && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  return execa(process.execPath, [START, ...options], {
    env: { PORT: '0', DERIVERY_STATE: state, ...env },
    reject: false,
    ...nobody,
  });
}

async function assertRefused(context: TestContext, what: Attempt, message: RegExp): Promise<void> {
  const { exitCode, stdout, stderr } = await attempt(context, what);
  assert.match(stderr, message);
  assert.equal(stderr.split('\n').length, 1, `one line, not:\n${stderr}`);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' });
}

await suite('start', { concurrency: 2, timeout: 60_000 }, () => {
  test('explains itself', async context => {
    const { exitCode, stdout } = await attempt(context, { options: ['--help'] });
    assert.equal(exitCode, 0);
    for (const word of ['--source', 'channel:NAME', 'path:DIR', 'PORT', 'DERIVERY_STATE', 'NIXERY_CHANNEL']) {
      assert.ok(stdout.includes(word), word);
    }
  });

  test('refuses an option that there is not', async context => {
    await assertRefused(context, { options: ['--port', '80'] }, /^error: unknown option '--port'/);
  });

  test('refuses an unknown source', async context => {
    await assertRefused(
      context,
      { options: ['--source', 'nixpkgs'] },
      /^derivery: --source: "nixpkgs" is not a package source: use .*; or auto\.$/,
    );
  });

  test('refuses a source that is not there', async context => {
    const options = ['--source', 'path:/nowhere'];
    await assertRefused(
      context,
      { options },
      /^derivery: --source: The package source \/nowhere is not a folder with/,
    );
  });

  for (const PORT of ['http', '65536', '-1', '80.5']) {
    test(`refuses port ${PORT}`, async context => {
      await assertRefused(context, { env: { PORT } }, /^derivery: configuration: PORT: /);
    });
  }

  const settings: readonly [env: NodeJS.ProcessEnv, message: RegExp][] = [
    // Nixery's names come before the choice that is made where nothing is set.
    [
      { NIXERY_PKGS_PATH: '/nowhere' },
      /^derivery: NIXERY_PKGS_PATH: The package source \/nowhere is not a folder/,
    ],
    [
      { DERIVERY_SOURCES: 'a=nowhere' },
      /^derivery: configuration: DERIVERY_SOURCES: the rule for "a": "nowhere" is/,
    ],
  ];
  for (const [env, message] of settings) {
    test(`refuses ${JSON.stringify(env)} before anything is started`, async context => {
      await assertRefused(context, { env }, message);
    });
  }

  test('refuses a port in use', async context => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => server.close());
    const PORT = String((server.address() as AddressInfo).port);
    await assertRefused(
      context,
      { env: { PORT } },
      /^derivery: Port \d+ is in use: choose another one with PORT\.$/,
    );
  });

  test('refuses a state folder that it may not write to', async context => {
    const folder = await temporaryFolder(context);
    await chmod(folder, 0o555);
    const env = { DERIVERY_STATE: join(folder, 'state') };
    await assertRefused(
      context,
      { env, asNobody: true },
      /^derivery: The state folder \/.*\/state cannot be written to \(permission denied\): choose another one with DERIVERY_STATE\.$/,
    );
  });

  test('refuses a state folder in use, and touches nothing in it', async context => {
    const folder = join(await temporaryFolder(context), 'state');
    await mkdir(folder);
    const { recordProcesses } = await openStateFolder(folder);
    recordProcesses({});
    const files = await readdir(folder);
    await assertRefused(
      context,
      { env: { DERIVERY_STATE: folder } },
      /^derivery: The state folder \/.* is in use by another instance \(process \d+\): stop it, or choose another/,
    );
    assert.deepEqual(await readdir(folder), files);
  });
});
