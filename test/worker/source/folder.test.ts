import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { openSourceStore } from '#worker/nix/store-source.ts';
import { openGit } from '#worker/source/git.ts';
import { copyFolder, workTreeRevision } from '#worker/source/folder.ts';
import { createPackageSources, type PackageSources } from '#worker/source/package-sources.ts';
import { refusal, trouble } from './failures.ts';
import { contentOf, testStore, type TestStore } from './store.ts';
import { createUpstream, type Upstream } from './upstream.ts';

const never = new AbortController().signal;

async function scene(
  context: TestContext,
  debianSet?: string,
): Promise<TestStore & { sources: PackageSources }> {
  const store = await testStore(context);
  const sources = createPackageSources({ ...store, debianSet, channelsUrl: '', archivesUrl: '' });
  return { ...store, sources };
}

describe('the revision of a work tree', () => {
  let upstream: Upstream;
  let head: string;
  before(async () => {
    upstream = await createUpstream();
    head = await upstream.commit('head');
  });
  after(() => upstream[Symbol.asyncDispose]());
  const revision = (folder: string) => workTreeRevision(openGit(), folder, never);

  test('is its commit while nothing is changed, in a folder of it too', async () => {
    assert.equal(await revision(upstream.tree), head);
    const inner = join(upstream.tree, 'inner');
    await mkdir(inner);
    assert.equal(await revision(inner), head);
  });

  test('is none where a file is changed, or new, or ignored, or it is no work tree', async () => {
    const { tree, git } = upstream;
    const file = join(tree, 'new.nix');
    await writeFile(file, '{}');
    assert.equal(await revision(tree), undefined);
    await writeFile(join(tree, '.git/info/exclude'), 'new.nix\n');
    assert.equal(await revision(tree), undefined);
    await rm(file);
    await writeFile(join(tree, 'default.nix'), '"changed"\n');
    assert.equal(await revision(tree), undefined);
    await git('checkout', '--quiet', '.');
    assert.equal(await revision(tree), head);
    assert.equal(await revision(upstream.folder), undefined);
  });

  test('is not that of a tree which was changed while it was read', async context => {
    const { nix, folder } = await testStore(context);
    const store = openSourceStore(nix, join(folder, 'roots'));
    const file = join(upstream.tree, 'late.nix');
    const slow: typeof store = {
      ...store,
      add: async (read, signal) => {
        const tree = await store.add(read, signal);
        await writeFile(file, '{ }');
        return tree;
      },
    };
    await assert.rejects(
      copyFolder(openGit(), slow, upstream.tree, never),
      trouble(/was changed while it was read$/),
    );
    await rm(file);
  });

  test('is that of what is stored; git’s own files are not', async context => {
    const { sources, nix } = await scene(context);
    const source = { kind: 'path', folder: upstream.tree } as const;
    const found = await sources.find(source, 'latest', never);
    assert.equal(found.revision, head);
    const { path } = await sources.fetch(source, found, never);
    assert.deepEqual(await contentOf(nix.realPath(path)), { 'default.nix': '"head"\n', inner: '/' });
    await writeFile(join(upstream.tree, 'default.nix'), '"changed"\n');
    assert.equal((await sources.fetch(source, found, never)).path, path, 'what was found is still there');
    const next = await scene(context);
    await assert.rejects(
      next.sources.fetch(source, found, never),
      trouble(/has changed since it was looked at/),
    );
  });
});

describe('a folder without history', () => {
  test('is at a hash of what is in it, not of where or when it was written', async context => {
    const { sources, folder, nix } = await scene(context);
    const write = async (name: string): Promise<string> => {
      const written = join(folder, name);
      await mkdir(written, { recursive: true });
      await writeFile(join(written, 'default.nix'), '{ }');
      await symlink('/etc', join(written, 'link'));
      return written;
    };
    const [a, b] = [await write('a'), await write('b c')];
    await utimes(join(b, 'default.nix'), 1, 1);
    const find = (at: string) => sources.find({ kind: 'path', folder: at }, 'latest', never);
    const found = await find(a);
    assert.match(found.revision, /^[0-9a-z]{52}$/);
    assert.deepEqual(await find(b), found);
    const stored = await sources.fetch({ kind: 'path', folder: b }, found, never);
    assert.deepEqual(await contentOf(nix.realPath(stored.path)), { 'default.nix': '{ }', link: '-> /etc' });
    assert.equal(stored.narHash, `sha256:${found.revision}`);
    await chmod(join(b, 'default.nix'), 0o755);
    assert.notEqual((await find(b)).revision, found.revision);
    await assert.rejects(find(join(folder, 'none')), refusal(/^there is no folder .*\/none on the worker$/));
    await assert.rejects(find(join(a, 'default.nix/x')), refusal(/^there is no folder/));
  });

  test('behind a link is what the link leads to', async context => {
    const { sources, folder, nix } = await scene(context);
    await mkdir(join(folder, 'real'), { recursive: true });
    await writeFile(join(folder, 'real/default.nix'), '{ }');
    await symlink('real', join(folder, 'link'));
    const source = { kind: 'path', folder: join(folder, 'link') } as const;
    const { path } = await sources.fetch(source, await sources.find(source, 'latest', never), never);
    assert.deepEqual(await contentOf(nix.realPath(path)), { 'default.nix': '{ }' });
  });
});

test('the Debian set is at the revision that its folder says', async context => {
  const debianSet = await (async () => {
    const { folder } = await testStore(context);
    await mkdir(folder, { recursive: true });
    return folder;
  })();
  await writeFile(join(debianSet, 'revision'), 'debian-12-abc\n');
  const { sources, nix } = await scene(context, debianSet);
  const source = { kind: 'debian' } as const;
  const found = await sources.find(source, 'latest', never);
  assert.deepEqual(found, { revision: 'debian-12-abc', gitRef: undefined });
  const { path } = await sources.fetch(source, found, never);
  assert.deepEqual(await contentOf(nix.realPath(path)), { revision: 'debian-12-abc\n' });
  const other = { revision: 'debian-12-xyz', gitRef: undefined };
  await assert.rejects(sources.fetch(source, other, never), trouble(/^debian has changed since/));
});
