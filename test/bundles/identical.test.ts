// The same sources give the same bytes: from another folder, at another time, with other rights of new files.
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { Manifest } from '#build/manifest.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What a build reads of a checkout. */
const SOURCES = [
  'build',
  'core',
  'functions',
  'worker',
  'nix',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

test('two checkouts of one state are built to the same bytes', { timeout: 120_000 }, async context => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'derivery-identical-')));
  context.after(() => rm(folder, { recursive: true }));
  const other = join(folder, 'a checkout of a longer name', 'derivery');
  await mkdir(other, { recursive: true });
  for (const name of SOURCES) await cp(join(ROOT, name), join(other, name), { recursive: true });
  await symlink(await realpath(join(ROOT, 'node_modules')), join(other, 'node_modules'));

  async function build(root: string, out: string, umask: string, clock: string): Promise<Manifest> {
    // What it prints of times would be of this zone.
    await execa(
      'sh',
      ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, 'build/build.ts', '--out', out],
      {
        cwd: root,
        env: { TZ: clock },
      },
    );
    return JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8')) as Manifest;
  }
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  const one = await build(ROOT, first, '022', 'UTC');
  const two = await build(other, second, '077', 'Asia/Tokyo');
  assert.equal(two.commit, undefined, 'a copy without git is built too');
  assert.deepEqual(two.files, one.files);
  assert.deepEqual(two.archives, one.archives);
  for (const name of Object.keys(one.archives)) {
    assert.ok((await readFile(join(first, name))).equals(await readFile(join(second, name))), name);
  }

  const git = (...args: readonly string[]) =>
    execa('git', ['-C', other, '-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args]);
  await git('init', '--quiet');
  await git('add', '--all');
  await git('commit', '--quiet', '--message=all of it');
  const committed = await build(other, join(other, 'dist'), '022', 'UTC');
  assert.equal(committed.commit, (await git('rev-parse', 'HEAD')).stdout);
  assert.equal(committed.isModified, false, 'what a build writes beside the sources is no change of them');

  const unpacked = join(folder, 'unpacked');
  await execa('unzip', ['-q', join(first, 'function.zip'), '-d', unpacked]);
  for (const path of Object.keys(one.files)) {
    const [name = '', ...rest] = path.split('/');
    const built = await readFile(join(first, path));
    const paths = [ROOT, other, folder].filter(place => built.includes(place));
    assert.deepEqual(paths, [], `${path} names a folder of this machine`);
    if (name === 'functions') assert.ok(built.equals(await readFile(join(unpacked, ...rest))), path);
  }
  for (const [name, { bytes, sha256 }] of Object.entries(one.archives)) {
    context.diagnostic(`${name}: ${(bytes / 1e6).toFixed(2)} MB, sha256 ${sha256}`);
  }
});
