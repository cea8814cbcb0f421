// What is remembered of sources, and for how long.
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runNix } from '#worker/nix/run-nix.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';
import { serveGit } from './git-http.ts';
import { contentOf, testStore } from './store.ts';
import { createUpstream } from './upstream.ts';

const never = new AbortController().signal;

async function scene(context: TestContext) {
  const store = await testStore(context);
  const sources = createPackageSources({ ...store, debianSet: undefined, channelsUrl: '', archivesUrl: '' });
  const tree = join(store.folder, 'tree');
  await mkdir(tree, { recursive: true });
  await writeFile(join(tree, 'default.nix'), '{ }');
  return { ...store, sources, source: { kind: 'path', folder: tree } as const };
}

test('a tree that is known is not read again; one that has gone from the store is', async context => {
  const { sources, source, nix, folder } = await scene(context);
  const found = await sources.find(source, 'latest', never);
  const stored = await sources.fetch(source, found, never);
  await rm(source.folder, { recursive: true });
  assert.deepEqual(await sources.fetch(source, found, never), stored);

  await mkdir(source.folder);
  await writeFile(join(source.folder, 'default.nix'), '{ }');
  await rm(join(folder, 'roots'), { recursive: true });
  await runNix(nix, 'nix-store', ['--gc'], { signal: never });
  await mkdir(join(folder, 'roots'));
  assert.deepEqual(await sources.fetch(source, found, never), stored);
  assert.deepEqual(await contentOf(nix.realPath(stored.path)), { 'default.nix': '{ }' });
});

test('a build that stops does not take a fetch from another', async context => {
  await using upstream = await createUpstream();
  const head = await upstream.commit('head');
  await upstream.push();
  const { sources } = await scene(context);
  const stopping = new AbortController();
  const url = await serveGit(context, upstream.bare, {
    intercept: () => {
      stopping.abort(new Error('stopping'));
      return false;
    },
  });
  const fetch = (signal: AbortSignal) =>
    sources.fetch({ kind: 'git', url }, { revision: head, gitRef: undefined }, signal);
  const [stopped, other] = [fetch(stopping.signal), fetch(never)];
  await assert.rejects(stopped, /^Error: stopping$/);
  assert.match((await other).path, /-source$/);
});
