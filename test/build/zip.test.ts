// Zip archives, read by a program that is not ours.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { zip } from '#build/zip.ts';

const FILES = [
  { path: 'index.mjs', content: Buffer.from('export const x = 1;\n'.repeat(500)) },
  { path: 'parts/empty', content: Buffer.alloc(0) },
  { path: 'parts/é', content: Buffer.from(Uint8Array.from({ length: 70_000 }, (_, at) => (at * at) % 251)) },
];

test('unzip finds an archive sound, and in it the same files, which everyone may read', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-zip-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'all.zip'), zip(FILES));
  await mkdir(join(folder, 'out'));
  await execa('unzip', ['-tq', join(folder, 'all.zip')]);
  await execa('unzip', ['-q', join(folder, 'all.zip'), '-d', join(folder, 'out')], {
    env: { LC_ALL: 'C.UTF-8' },
  });
  for (const { path, content } of FILES) {
    const file = join(folder, 'out', path);
    assert.ok((await readFile(file)).equals(content), path);
    assert.equal((await stat(file)).mode & 0o777, 0o644);
  }
});
