// `npm run prebuilds` where there is nothing to ask: one clear line, and the exit code 1.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import { execa } from 'execa';
import { servicesFile } from '#local/state-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PREBUILDS = resolve(import.meta.dirname, '../../../infra/local/prebuilds.ts');

async function ask(state: string, ...words: string[]) {
  return execa(process.execPath, [PREBUILDS, ...words], { env: { DERIVERY_STATE: state }, reject: false });
}

await suite('asking for prebuilds', { concurrency: 2, timeout: 60_000 }, () => {
  test('explains itself', async context => {
    const { exitCode, stdout } = await ask(await temporaryFolder(context), '--help');
    assert.equal(exitCode, 0);
    for (const word of ['NAME:TAG', 'DERIVERY_STATE']) assert.ok(stdout.includes(word), word);
  });

  test('needs an image, and its name without a registry', async context => {
    const folder = await temporaryFolder(context);
    const none = await ask(folder);
    assert.deepEqual([none.exitCode, none.stderr], [1, "error: missing required argument 'image'"]);
    const wrong = await ask(folder, 'shell/git', 'localhost:8080/shell/git');
    assert.equal(wrong.exitCode, 1);
    assert.match(
      wrong.stderr,
      /^derivery: "localhost:8080\/shell\/git": an image is named without a registry.s address, as in shell\/git\.$/,
    );
  });

  test('needs a system that runs', async context => {
    const folder = await temporaryFolder(context);
    const { exitCode, stderr } = await ask(folder, 'shell/git');
    assert.equal(exitCode, 1);
    assert.equal(
      stderr,
      `derivery: No system runs in ${folder}: start one with npm start, or name its folder with DERIVERY_STATE.`,
    );
  });

  test('is told of a system that was killed', async context => {
    const folder = await temporaryFolder(context);
    // Port 9 of loopback: nobody listens there.
    const left = { GOOGLE_CLOUD_PROJECT: 'p', PUBSUB_EMULATOR_HOST: '127.0.0.1:9' };
    await writeFile(servicesFile(folder), JSON.stringify({ ...left, METADATA_SERVER_DETECTION: 'none' }));
    const { exitCode, stderr } = await ask(folder, 'shell/git');
    assert.equal(exitCode, 1);
    assert.equal(stderr, `derivery: The system of ${folder} does not answer: start it with npm start.`);
  });
});
