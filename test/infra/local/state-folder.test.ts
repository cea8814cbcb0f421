import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { StartError } from '#local/start-error.ts';
import { openStateFolder, servicesFile } from '#local/state-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Seconds: whoever has the lock in these tests keeps it. */
const AT_ONCE = 0;

const OPEN_AND_STAY = `
  import { openStateFolder, servicesFile } from '#local/state-folder.ts';
  await openStateFolder(process.argv[1]);
  console.log('open');
  setInterval(() => {}, 1000);
`;

await suite('state folder', { concurrency: 4, timeout: 20_000 }, () => {
  test('is created where it is missing, and known without symbolic links', async context => {
    const folder = await temporaryFolder(context);
    await symlink(folder, join(folder, 'link'));
    const state = await openStateFolder(join(folder, 'link/new/state'));
    context.after(() => closeSync(state.lock));
    assert.equal(state.root, join(folder, 'new/state'));
    assert.equal(state.nix, join(folder, 'new/state/nix'));
  });

  test('keeps one secret for its hops and one for its tokens, which are nobody else’s to read', async context => {
    const [folder, other] = [await temporaryFolder(context), await temporaryFolder(context)];
    const secrets: string[] = [];
    for (const root of [folder, folder, other]) {
      const { lock, hopSecret, tokenSecret } = await openStateFolder(root);
      closeSync(lock);
      assert.notEqual(tokenSecret, hopSecret);
      secrets.push(hopSecret);
    }
    const [first = '', again, foreign] = secrets;
    assert.match(first, /^[0-9a-f]{64}$/);
    assert.equal(again, first);
    assert.notEqual(foreign, first);
    for (const file of ['hop-secret', 'token-secret']) {
      assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600);
    }
  });

  test('belongs to one instance at a time, whose process it names', async context => {
    const folder = await temporaryFolder(context);
    const first = await openStateFolder(folder);
    first.recordProcesses({});
    await assert.rejects(
      openStateFolder(folder, AT_ONCE),
      new StartError(
        `The state folder ${folder} is in use by another instance (process ${process.pid}): stop it, or choose another one with DERIVERY_STATE.`,
      ),
    );
    closeSync(first.lock);
    closeSync((await openStateFolder(folder, AT_ONCE)).lock);
  });

  test('is free again when its instance was killed', async context => {
    const folder = await temporaryFolder(context);
    const other = spawn(process.execPath, ['--input-type=module', '--eval', OPEN_AND_STAY, folder], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    await assert.rejects(openStateFolder(folder, AT_ONCE), StartError);
    other.kill('SIGKILL');
    await once(other, 'exit');
    closeSync((await openStateFolder(folder, AT_ONCE)).lock);
  });

  test('stays locked while a program lives that was handed the lock', async context => {
    const folder = await temporaryFolder(context);
    const { lock } = await openStateFolder(folder);
    const program = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', lock] });
    closeSync(lock);
    await assert.rejects(openStateFolder(folder, AT_ONCE), StartError);
    // A start that comes at once waits for the programs of the one that was killed.
    const next = openStateFolder(folder, 10);
    program.stdin?.end();
    closeSync((await next).lock);
  });

  test('tells which programs run and where the services are, and forgets both', async context => {
    const state = await openStateFolder(await temporaryFolder(context));
    context.after(() => closeSync(state.lock));
    const file = join(state.root, 'processes.json');
    state.recordProcesses({ worker: 12 });
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), { start: process.pid, worker: 12 });
    state.recordServices({ PUBSUB_EMULATOR_HOST: '127.0.0.1:1' });
    const services = servicesFile(state.root);
    assert.deepEqual(JSON.parse(await readFile(services, 'utf8')), { PUBSUB_EMULATOR_HOST: '127.0.0.1:1' });
    await state.forgetProcesses();
    await assert.rejects(readFile(file), { code: 'ENOENT' });
    await assert.rejects(readFile(services), { code: 'ENOENT' });
  });

  test('cannot lie where folders cannot be made', async () => {
    await assert.rejects(openStateFolder('/proc/nope/state'), /\/proc\/nope\/state cannot be written to/);
  });

  test('cannot lie below a file', async context => {
    const folder = await temporaryFolder(context);
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(
      openStateFolder(join(folder, 'file/state')),
      new StartError(
        `The state folder ${folder}/file/state cannot be written to (not a directory): choose another one with DERIVERY_STATE.`,
      ),
    );
  });
});
