// What a build replaces: a folder that is not there, an empty one, and a build before it.
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildAll } from '#build/build-all.ts';
import { BuildError } from '#build/build-error.ts';
import { requireReplaceable } from '#build/require-replaceable.ts';

test('a build takes the place of nothing that it has not made', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'derivery-out-'));
  const out = join(folder.path, 'dist');
  await requireReplaceable(out);
  await mkdir(out);
  await requireReplaceable(out);
  await writeFile(join(out, 'manifest.json'), '{}');
  await assert.rejects(requireReplaceable(out), BuildError, 'a manifest.json may be anything’s');
  for (const name of ['function.zip', 'worker.tar.gz', 'node']) await writeFile(join(out, name), '');
  await requireReplaceable(out);
  await assert.rejects(requireReplaceable(join(out, 'node')), /is no folder/);
});

test('a build into a folder of something else leaves it as it is', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'derivery-out-'));
  const root = join(folder.path, 'clone');
  await mkdir(root);
  const lock = { name: 'clone', lockfileVersion: 3, packages: { '': { version: '1.0.0' } } };
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock));
  await assert.rejects(buildAll(root, root), /has something else in it than a build/);
  assert.deepEqual(await readdir(folder.path, { recursive: true }), ['clone', 'clone/package-lock.json']);
});
