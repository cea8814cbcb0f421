import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { prepareSpool, spoolFile } from '#worker/pack/spool.ts';
import { temporaryFolder } from './trees.ts';

test('the folder is made, for its owner alone', async t => {
  const spool = join(temporaryFolder(t), 'state/spool');
  await prepareSpool(spool);
  assert.equal((await stat(spool)).mode & 0o777, 0o700);
});

test('what dead workers left is removed, and nothing else', async t => {
  const spool = temporaryFolder(t);
  const dead = spawnSync('true').pid;
  const [mine, left, tree, alive] = (
    [
      [process.pid, 'layer'],
      [dead, 'layer'],
      [dead, 'tree'],
      [process.ppid, 'layer'],
    ] as const
  ).map(([pid, kind]) => basename(spoolFile(spool, kind)).replace(`${process.pid}-`, `${pid}-`));
  const others = ['notes.txt', `${dead}.layer`, `x${left}`, `${left}.bak`];
  for (const name of [mine, left, tree, alive, ...others]) writeFileSync(join(spool, `${name}`), '');
  await prepareSpool(spool);
  assert.deepEqual(new Set(await readdir(spool)), new Set([alive, ...others]));
});

test('every name is new', () => {
  assert.notEqual(spoolFile('/spool', 'layer'), spoolFile('/spool', 'layer'));
});

test('a folder that cannot be is a configuration error that names it', async t => {
  const spool = join(temporaryFolder(t), 'file');
  writeFileSync(spool, '');
  await assert.rejects(
    prepareSpool(spool),
    error =>
      error instanceof ConfigurationError &&
      error.message.startsWith(`the spool folder ${spool} cannot be used`),
  );
});
