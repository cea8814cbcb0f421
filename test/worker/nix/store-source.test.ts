import assert from 'node:assert/strict';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { testStore } from '#test/worker/source/store.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import { openSourceStore } from '#worker/nix/store-source.ts';

const never = new AbortController().signal;

async function scene(context: TestContext) {
  const { nix, folder } = await testStore(context);
  const write = async (text: string): Promise<string> => {
    const written = join(folder, text, 'tree');
    await mkdir(written, { recursive: true });
    await writeFile(join(written, 'default.nix'), text);
    return written;
  };
  return { nix, roots: join(folder, 'roots'), write };
}

async function nixStore(nix: Nix, ...args: string[]): Promise<string> {
  const { succeeded, stdout, stderr } = await runNix(nix, 'nix-store', args, { signal: never });
  assert.ok(succeeded, stderr);
  return stdout.trim();
}

test('a folder’s path is the one that its hash and the name "source" name', async context => {
  const { nix, roots, write } = await scene(context);
  const folder = await write('a');
  const { path, narHash } = await openSourceStore(nix, roots).add(folder, never);
  const expression = `builtins.path { path = ${nix.realPath(path)}; name = "source"; sha256 = "${narHash}"; }`;
  const args = ['--eval', '--json', '--expr', expression];
  assert.equal(
    (await runNix(nix, 'nix-instantiate', args, { signal: never })).stdout.trim(),
    JSON.stringify(path),
  );
});

test('a tree is kept from the garbage collector, and not beyond the worker that wanted it', async context => {
  const { nix, roots, write } = await scene(context);
  const store = openSourceStore(nix, roots);
  const { path } = await store.add(await write('a'), never);
  await nixStore(nix, '--gc');
  await access(nix.realPath(path));
  const next = openSourceStore(nix, roots);
  const other = await next.add(await write('b'), never);
  await nixStore(nix, '--gc');
  await access(nix.realPath(other.path));
  await assert.rejects(access(nix.realPath(path)));
  assert.equal(await next.keep(path, never), false, 'what is gone cannot be kept');
});

test('only so many trees are kept', async context => {
  const { nix, roots, write } = await scene(context);
  const store = openSourceStore(nix, roots, 2);
  const folders = await Promise.all(['a', 'b', 'c'].map(write));
  for (const folder of folders) await store.add(folder, never);
  const last = (await store.add(folders.at(-1) ?? '', never)).path;
  const kept = await readdir(roots);
  assert.equal(kept.length, 2);
  assert.ok(kept.includes(last.slice('/nix/store/'.length)));
});
