import assert from 'node:assert/strict';
import { access, chmod, glob, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createPackageSources, type PackageSources } from '#worker/source/package-sources.ts';
import { refusal } from './failures.ts';
import { serveGit } from './git-http.ts';
import { contentOf, testStore, type TestStore } from './store.ts';
import { commitOddities, commitOfFork, createUpstream, gitIn, type Upstream } from './upstream.ts';

const never = new AbortController().signal;

let upstream: Upstream;
/** On trunk, all reachable: the first and the last, and one in between that no ref stands at. */
let first: string;
let between: string;
let last: string;
/** On a branch that has gone on, and on none. */
let aside: string;
let foreign: string;

before(async () => {
  upstream = await createUpstream();
  first = await upstream.commit('first');
  await upstream.git('tag', '--annotate', '--message=one', 'v1');
  await upstream.git('checkout', '--quiet', '-b', 'feature/x');
  aside = await upstream.commit('aside');
  await upstream.commit('beyond');
  await upstream.git('checkout', '--quiet', 'trunk');
  between = await upstream.commit('between');
  last = await upstream.commit('last');
  await upstream.push();
  // As GitHub does.
  await gitIn(upstream.bare, 'config', 'uploadpack.allowFilter', 'true');
  foreign = await commitOfFork(upstream);
});
after(() => upstream[Symbol.asyncDispose]());

interface Scene extends TestStore {
  readonly sources: PackageSources;
  /** The default.nix of a repository at a ref, as it is found, fetched and stored. */
  readonly get: (url: string, ref: string) => Promise<string>;
}

async function scene(context: TestContext, environment: NodeJS.ProcessEnv = process.env): Promise<Scene> {
  const store = await testStore(context);
  const sources = createPackageSources({
    nix: store.nix,
    folder: store.folder,
    debianSet: undefined,
    channelsUrl: 'http://127.0.0.1:9',
    archivesUrl: 'http://127.0.0.1:9',
    git: { environment },
  });
  return {
    ...store,
    sources,
    async get(url, ref) {
      const source = { kind: 'git', url } as const;
      const { path } = await sources.fetch(source, await sources.find(source, ref, never), never);
      return readFile(join(store.nix.realPath(path), 'default.nix'), 'utf8');
    },
  };
}

const transports: readonly [name: string, url: (context: TestContext) => Promise<string>][] = [
  ['a file', async () => upstream.url],
  ['HTTP', context => serveGit(context, upstream.bare)],
  ['HTTP by an old server', context => serveGit(context, upstream.bare, { old: true })],
];

for (const [name, urlOf] of transports) {
  describe(`a repository over ${name}`, () => {
    test('is had at its HEAD, a branch, a tag, and commits that a ref leads to', async context => {
      const url = await urlOf(context);
      const { get } = await scene(context);
      assert.equal(await get(url, 'latest'), '"last"\n');
      assert.equal(await get(url, 'feature/x'), '"beyond"\n');
      assert.equal(await get(url, 'v1'), '"first"\n');
      assert.equal(await get(url, between), '"between"\n');
      assert.equal(await get(url, aside), '"aside"\n');
    });

    test('is not had at a commit that it knows and no ref leads to', async context => {
      const url = await urlOf(context);
      const { get } = await scene(context);
      for (const commit of [foreign, 'a'.repeat(40)]) {
        await assert.rejects(
          get(url, commit),
          refusal(`${url} has no branch or tag that leads to a commit ${commit}`),
        );
      }
      assert.equal(await get(url, between), '"between"\n', 'others are still had');
    });
  });
}

describe('a commit', () => {
  test('is not what names a tag, a tree or a file', async context => {
    const { get } = await scene(context);
    for (const name of ['refs/tags/v1', 'trunk^{tree}', 'trunk:default.nix']) {
      const other = await upstream.git('rev-parse', name);
      await assert.rejects(get(upstream.url, other), refusal(/no branch or tag that leads to a commit/));
    }
  });

  test('that was found is not asked for again, by this worker or the next', async context => {
    const mine = await scene(context);
    const requests: string[] = [];
    const url = await serveGit(context, upstream.bare, {
      intercept: ({ url: asked = '' }) => {
        requests.push(asked);
        return false;
      },
    });
    const source = { kind: 'git', url } as const;
    await mine.sources.find(source, between, never);
    const { length } = requests;
    assert.ok(length > 0);
    await mine.sources.find(source, between, never);
    const next = createPackageSources({
      nix: mine.nix,
      folder: mine.folder,
      debianSet: undefined,
      channelsUrl: '',
      archivesUrl: '',
    });
    await next.find(source, first, never);
    assert.equal(requests.length, length);
  });

  test('is one tree, whoever has it: a file server, a web server and the work tree', async context => {
    const { sources } = await scene(context);
    const urls = [upstream.url, await serveGit(context, upstream.bare)];
    const found = { revision: last, gitRef: undefined };
    const stored = await Promise.all(urls.map(url => sources.fetch({ kind: 'git', url }, found, never)));
    stored.push(await sources.fetch({ kind: 'path', folder: upstream.tree }, found, never));
    assert.equal(new Set(stored.map(({ path }) => path)).size, 1);
    assert.match(stored[0]?.narHash ?? '', /^sha256:[0-9a-z]{52}$/);
  });

  test('that the branch has left is not had any more by those who never saw it', async context => {
    await using moving = await createUpstream();
    const base = await moving.commit('base');
    const old = await moving.commit('old');
    await moving.push();
    const [early, late] = [await scene(context), await scene(context)];
    const source = { kind: 'git', url: moving.url } as const;
    const found = await early.sources.find(source, 'trunk', never);
    await moving.git('reset', '--quiet', '--hard', base);
    const next = await moving.commit('new');
    await moving.push();
    assert.deepEqual(
      [found.revision, (await early.sources.find(source, 'trunk', never)).revision],
      [old, next],
    );
    assert.equal(await early.get(moving.url, 'trunk'), '"new"\n');
    await assert.rejects(late.sources.find(source, old, never), refusal(/no branch or tag that leads/));
  });

  test('that is fetched by many at once is fetched once', async context => {
    const { sources } = await scene(context);
    let packs = 0;
    const url = await serveGit(context, upstream.bare, {
      intercept: ({ method }) => {
        if (method === 'POST') packs += 1;
        return false;
      },
    });
    const fetch = () => sources.fetch({ kind: 'git', url }, { revision: last, gitRef: undefined }, never);
    const paths = (await Promise.all([fetch(), fetch(), fetch()])).map(({ path }) => path);
    const alone = packs;
    assert.equal(new Set(paths).size, 1);
    await fetch();
    assert.equal(packs, alone);
    // Git asks for refs, then for the commit.
    assert.ok(alone <= 2, `${alone} requests`);
  });

  test('of different refs can be fetched at the same time', async context => {
    const { get } = await scene(context);
    assert.deepEqual(
      await Promise.all(['latest', 'v1', 'feature/x', between].map(ref => get(upstream.url, ref))),
      ['"last"\n', '"first"\n', '"beyond"\n', '"between"\n'],
    );
  });
});

test('the past of a repository is fetched without files, where the server can leave them out', async context => {
  const { sources, folder } = await scene(context);
  await sources.find({ kind: 'git', url: upstream.url }, between, never);
  const [name = ''] = await readdir(join(folder, 'git'));
  const history = join(folder, 'git', name, 'history.git');
  const objects = await gitIn(history, 'cat-file', '--batch-all-objects', '--batch-check=%(objecttype)');
  assert.deepEqual(new Set(objects.split('\n')), new Set(['commit', 'tag']));
});

describe('a commit’s tree', () => {
  test('T19: is what was committed: no filter, no attribute, no submodule, and links as links', async context => {
    await using odd = await createUpstream();
    await odd.commit('odd');
    const { commit, holds } = await commitOddities(odd);
    await odd.push();
    const home = join(odd.folder, 'home');
    const canary = join(odd.folder, 'canary');
    await mkdir(home);
    const act = `touch ${canary}; cat`;
    await writeFile(
      join(home, '.gitconfig'),
      `[filter "evil"]\n\tsmudge = ${JSON.stringify(act)}\n\trequired\n[filter "lfs"]\n\tsmudge = ${JSON.stringify(act)}\n[core]\n\tautocrlf = true\n`,
    );
    const { sources, nix } = await scene(context, { ...process.env, HOME: home });
    const source = { kind: 'git', url: odd.url } as const;
    const { path } = await sources.fetch(source, await sources.find(source, commit, never), never);
    assert.deepEqual(await contentOf(nix.realPath(path)), holds);
    await assert.rejects(access(canary));
  });

  test('leaves nothing else behind', async context => {
    const { get, folder } = await scene(context);
    await get(upstream.url, 'latest');
    assert.deepEqual(await readdir(join(folder, 'git/temporary')), []);
  });
});

/** What a loss of power leaves of files that were just written. */
const DAMAGES: Readonly<Record<string, (repository: string) => Promise<void>>> = {
  async 'packs are gone'(repository) {
    const packs = join(repository, 'objects/pack');
    for (const pack of await readdir(packs)) await rm(join(packs, pack));
  },
  'packs are empty': async repository => cutPacks(repository, 0),
  'packs are cut off': async repository => cutPacks(repository, 40),
  async 'refs are empty'(repository) {
    for await (const ref of glob('refs/{fetched,heads,tags}/**', { cwd: repository, withFileTypes: true })) {
      if (ref.isFile()) await writeFile(join(ref.parentPath, ref.name), '');
    }
  },
  'its HEAD is empty': repository => writeFile(join(repository, 'HEAD'), ''),
};

async function cutPacks(repository: string, bytes: number): Promise<void> {
  const packs = join(repository, 'objects/pack');
  for (const name of (await readdir(packs)).filter(file => file.endsWith('.pack'))) {
    await chmod(join(packs, name), 0o600);
    await truncate(join(packs, name), bytes);
  }
}

describe('a worker’s own repository', () => {
  test('is used again after a worker was killed in the middle', async context => {
    const { sources, folder, nix } = await scene(context);
    const source = { kind: 'git', url: upstream.url } as const;
    await sources.fetch(source, { revision: first, gitRef: undefined }, never);
    const [name = ''] = (await readdir(join(folder, 'git'))).filter(entry => entry.length === 64);
    const repository = join(folder, 'git', name, 'commits.git');
    // What git leaves that gets no time to clean up.
    for (const lock of ['shallow.lock', 'packed-refs.lock', `refs/fetched/${last}.lock`, 'config.lock']) {
      await writeFile(join(repository, lock), '');
    }
    const half = join(repository, 'objects/pack/tmp_pack_x');
    await writeFile(half, 'half');
    const next = createPackageSources({
      nix,
      folder,
      debianSet: undefined,
      channelsUrl: '',
      archivesUrl: '',
    });
    await next.fetch(source, { revision: last, gitRef: undefined }, never);
    await assert.rejects(access(half));
  });

  for (const [what, damage] of Object.entries(DAMAGES)) {
    test(`is begun anew where ${what}`, async context => {
      const { sources, folder } = await scene(context);
      const source = { kind: 'git', url: upstream.url } as const;
      await sources.fetch(source, await sources.find(source, between, never), never);
      const [name = ''] = (await readdir(join(folder, 'git'))).filter(entry => entry.length === 64);
      for (const purpose of ['commits', 'history']) {
        await damage(join(folder, 'git', name, `${purpose}.git`));
      }
      const next = await testStore(context);
      const parts = { nix: next.nix, folder, debianSet: undefined, channelsUrl: '', archivesUrl: '' };
      const again = createPackageSources(parts);
      const fetch = async () => again.fetch(source, await again.find(source, between, never), never);
      // One try each for what is known of commits, and for their files.
      await fetch().catch(fetch).catch(fetch);
    });
  }
});

test('a folder is a repository too, without a scheme', async context => {
  const { get } = await scene(context);
  assert.equal(await get(upstream.bare, 'latest'), '"last"\n');
  assert.equal(await get(pathToFileURL(upstream.tree).href, between), '"between"\n');
});
