import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { runNix } from '#worker/nix/run-nix.ts';
import { createPackageSources, type PackageSources } from '#worker/source/package-sources.ts';
import { refusal, trouble } from './failures.ts';
import { serveGit } from './git-http.ts';
import { contentOf, testStore, type TestStore } from './store.ts';
import { createUpstream, type Upstream } from './upstream.ts';

const never = new AbortController().signal;

/** Its outputs must not be looked at: they are evaluated elsewhere, in Nix's pure mode. */
const THROWING = '{ outputs = { self }: throw "evaluated"; }\n';

let upstream: Upstream;
let first: string;
let last: string;
before(async () => {
  upstream = await createUpstream();
  await writeFile(join(upstream.tree, 'flake.nix'), THROWING);
  first = await upstream.commit('first');
  last = await upstream.commit('last');
  await upstream.push();
});
after(() => upstream[Symbol.asyncDispose]());

async function scene(context: TestContext): Promise<TestStore & { sources: PackageSources }> {
  const store = await testStore(context);
  const sources = createPackageSources({ ...store, debianSet: undefined, channelsUrl: '', archivesUrl: '' });
  return { ...store, sources };
}

const flake = (reference: string) => ({ kind: 'flake', reference }) as const;

describe('a flake in a git repository', () => {
  test('is at its commit, and its tree is stored', async context => {
    const { sources, nix } = await scene(context);
    const source = flake(`git+file://${upstream.tree}`);
    const found = await sources.find(source, 'latest', never);
    assert.deepEqual(found, { revision: last, gitRef: undefined });
    const stored = await sources.fetch(source, found, never);
    assert.equal(stored.kind, 'flake');
    assert.deepEqual(await contentOf(nix.realPath(stored.path)), {
      'default.nix': '"last"\n',
      'flake.nix': THROWING,
    });
  });

  test('is had at a commit that it was found at before it moved on', async context => {
    await using moving = await createUpstream();
    await writeFile(join(moving.tree, 'flake.nix'), THROWING);
    const old = await moving.commit('old');
    await moving.push();
    const url = await serveGit(context, moving.bare);
    const source = flake(`git+${url}?ref=trunk`);
    const early = await scene(context);
    const found = await early.sources.find(source, 'latest', never);
    assert.equal(found.revision, old);
    const next = await moving.commit('new');
    await moving.push();
    assert.equal((await early.sources.find(source, 'latest', never)).revision, next);
    const { sources, nix } = await scene(context);
    const { path } = await sources.fetch(source, found, never);
    assert.equal((await contentOf(nix.realPath(path)))['default.nix'], '"old"\n');
  });

  test('is not asked for where the reference names a commit', async context => {
    const { sources } = await scene(context);
    const nowhere = flake(`git+https://127.0.0.1:1/x?rev=${first}`);
    assert.deepEqual(await sources.find(nowhere, 'latest', never), { revision: first, gitRef: undefined });
    const { path } = await sources.fetch(
      flake(`git+file://${upstream.bare}?ref=trunk&rev=${first}`),
      { revision: first, gitRef: undefined },
      never,
    );
    assert.match(path, /-source$/);
  });

  test('that is not there, or wants a login, is an answer for good', async context => {
    const { sources } = await scene(context);
    const find = (reference: string) => sources.find(flake(reference), 'latest', never);
    await assert.rejects(
      find(`git+file://${upstream.folder}/none`),
      refusal(/\/none does not appear to be a git repository/),
    );
    await assert.rejects(
      find(`git+file://${upstream.bare}?ref=nope`),
      refusal(/has no branch, tag or commit of that name$/),
    );
    const url = await serveGit(context, upstream.bare, { login: 'me:open-sesame' });
    await assert.rejects(find(`git+${url}`), refusal(/wants a login, or does not exist/));
  });

  test('whose server is down may be asked again', async context => {
    const { sources } = await scene(context);
    await assert.rejects(
      sources.find(flake('git+http://127.0.0.1:1/x.git'), 'latest', never),
      trouble(/cannot read http:\/\/127\.0\.0\.1:1\/x\.git/),
    );
  });
});

describe('a flake in a folder', () => {
  async function folder(context: TestContext, files: Record<string, string>) {
    const all = await scene(context);
    const path = join(all.folder, 'flake');
    await mkdir(path, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
    return { ...all, path, source: flake(`path:${path}`) };
  }

  test('is at a hash of its content, and what has changed is not had any more', async context => {
    const { sources, path, source } = await folder(context, { 'flake.nix': THROWING });
    const found = await sources.find(source, 'latest', never);
    assert.match(found.revision, /^sha256-[A-Za-z0-9+/]{43}=$/);
    const stored = await sources.fetch(source, found, never);
    await writeFile(join(path, 'more.nix'), '{ }');
    const later = await sources.find(source, 'latest', never);
    assert.notEqual(later.revision, found.revision);
    assert.deepEqual(await sources.fetch(source, found, never), stored, 'this worker has it still');
    const next = await scene(context);
    await assert.rejects(next.sources.fetch(source, found, never), trouble(/has moved on from sha256-/));
  });

  test('is none without a flake.nix, nor where nothing is', async context => {
    const { sources, source, path } = await folder(context, { 'default.nix': '{ }' });
    await assert.rejects(
      sources.find(source, 'latest', never),
      refusal(`path:${path} is no flake: it has no flake.nix at its top`),
    );
    await assert.rejects(
      sources.find(flake(`path:${path}-not`), 'latest', never),
      refusal(/does not exist$/),
    );
  });

  const HOSTILE: Readonly<Record<string, [locked: object, message: RegExp]>> = {
    'a folder': [{ type: 'path', path: '/etc', rev: '1'.repeat(40) }, /"b" is a folder of a machine/],
    'a repository of the machine': [{ type: 'git', url: 'file:///srv/x' }, /"b" is at file:\/\/\/srv\/x: /],
    'a repository read by SSH': [
      { type: 'git', url: 'ssh://me:secret@git.example.org/x' },
      /"b" is at ssh:\/\/git\.example\.org\/x: .* by HTTP or HTTPS only/,
    ],
    'a repository of Mercurial, by SSH': [{ type: 'hg', url: 'ssh://hg.example.org/x' }, /"b" is at ssh:/],
    'a tarball of the machine': [{ type: 'tarball', url: 'file:///x.tar' }, /"b" is at file:/],
    'whatever a registry says': [{ type: 'indirect', id: 'nixpkgs' }, /of the type "indirect"/],
  };
  for (const [what, [locked, message]] of Object.entries(HOSTILE)) {
    test(`that locks an input to ${what} is refused`, async context => {
      const fine = { type: 'github', owner: 'o', repo: 'r', rev: '1'.repeat(40) };
      const nodes = { root: { inputs: { a: 'a' } }, a: { locked: fine, inputs: { b: 'b' } }, b: { locked } };
      const lock = JSON.stringify({ version: 7, root: 'root', nodes });
      const { sources, source } = await folder(context, { 'flake.nix': THROWING, 'flake.lock': lock });
      await assert.rejects(sources.find(source, 'latest', never), refusal(message));
    });
  }

  test('whose lock is none is refused', async context => {
    const { sources, source, path } = await folder(context, { 'flake.nix': THROWING, 'flake.lock': '{' });
    await assert.rejects(sources.find(source, 'latest', never), refusal(/flake\.lock is no JSON/));
    await rm(join(path, 'flake.lock'));
    await symlink('/dev/zero', join(path, 'flake.lock'));
    await assert.rejects(sources.find(source, 'latest', never), refusal(/flake\.lock is no lock file/));
  });

  test('keeps the lock of its inputs: what is evaluated later is what was locked', async context => {
    const url = await serveGit(context, upstream.bare);
    const { sources, nix, source } = await folder(context, {
      'flake.nix': `{
        inputs.set = { url = "git+${url}?ref=trunk"; flake = false; };
        outputs = { self, set }: { locked = import set; };
      }`,
      'flake.lock': JSON.stringify({
        version: 7,
        root: 'root',
        nodes: {
          root: { inputs: { set: 'set' } },
          set: {
            flake: false,
            locked: { type: 'git', url, ref: 'trunk', rev: first },
            original: { type: 'git', url, ref: 'trunk' },
          },
        },
      }),
    });
    const { path } = await sources.fetch(source, await sources.find(source, 'latest', never), never);
    const expression = `(builtins.getFlake "path:${nix.realPath(path)}").locked`;
    const args = ['--eval', '--option', 'experimental-features', 'flakes nix-command', '--expr', expression];
    const { stdout, stderr } = await runNix(nix, 'nix-instantiate', args, { signal: never });
    assert.equal(stdout, '"first"\n', stderr);
  });
});
