// `npm run janitor` beside the stand-ins of this process, which it finds by the files of a state folder.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { execa } from 'execa';
import { BUCKET, PROJECT } from '#test/cloud.ts';
import { DAY_MS, Yard } from '#test/functions/janitor/yard.ts';

const COMMAND = resolve(import.meta.dirname, '../../../infra/local/janitor.ts');

let yard: Yard;
let state: string;
before(async () => {
  yard = await Yard.open();
  state = await mkdtemp(join(tmpdir(), 'derivery-janitor-'));
});
after(async () => {
  await yard[Symbol.asyncDispose]();
  await rm(state, { recursive: true });
});

test('npm run janitor tells what would be collected, and collects by the settings of the janitor that runs', async () => {
  const { key } = await yard.publish([await yard.storeBlob('blob')]);
  yard.later(2 * DAY_MS);

  // Anything whose environment has the settings.
  const settings = { DERIVERY_KEEP_DAYS: '1', GOOGLE_CLOUD_PROJECT: PROJECT, DERIVERY_BUCKET: BUCKET };
  const program = spawn('sleep', ['600'], { env: { PATH: process.env['PATH'], ...settings } });
  after(() => program.kill());
  const { FIRESTORE_EMULATOR_HOST, STORAGE_EMULATOR_HOST } = process.env;
  await writeFile(join(state, 'processes.json'), JSON.stringify({ start: 1, janitor: program.pid }));
  await writeFile(
    join(state, 'services.json'),
    JSON.stringify({ FIRESTORE_EMULATOR_HOST, STORAGE_EMULATOR_HOST, METADATA_SERVER_DETECTION: 'none' }),
  );

  const run = (...args: string[]) =>
    execa(process.execPath, [COMMAND, ...args], { env: { DERIVERY_STATE: state } });
  const dry = await run('--dry-run');
  assert.match(dry.stdout, /^looked at +of them +would be\nimages unused for long +1 +1 deleted\n/);
  assert.ok(await yard.exists('images', key));
  const wet = await run();
  assert.match(
    wet.stdout,
    /^looked at +of them +were\nimages unused for long +1 +1 deleted\nmanifests .* 1 deleted\n/,
  );
  assert.equal(await yard.exists('images', key), false);
});
