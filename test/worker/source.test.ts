import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { openNix } from '#worker/nix/nix.ts';
import { createPackageSources, type PackageSources } from '#worker/source.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const never = new AbortController().signal;
const nix = openNix({ store: undefined, config: '' });

/** Channels as a server tells them; answers what was asked for, too. */
async function channels(
  context: TestContext,
  answer: RequestListener,
): Promise<{ sources: PackageSources; asked: string[]; close: () => Promise<void> }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  context.after(close);
  const channelsUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { sources: createPackageSources({ nix, debianSet: undefined, channelsUrl }), asked, close };
}

const channel = { kind: 'channel', name: 'nixos-26.05' } as const;

describe('a channel', () => {
  test('stands at the commit that its server tells', async context => {
    const { sources, asked } = await channels(context, (_request, response) => response.end(`${COMMIT}\n`));
    const found = await sources.find(channel, 'latest', never);
    assert.deepEqual(found, { revision: COMMIT, gitRef: undefined });
    const archive = `https://github.com/NixOS/nixpkgs/archive/${COMMIT}.tar.gz`;
    assert.deepEqual(sources.at(channel, found), { tarball: archive });
    assert.deepEqual(asked, ['/nixos-26.05/git-revision']);
  });

  test('is followed where its server sends on', async context => {
    const { sources } = await channels(context, ({ url }, response) => {
      if (url === '/moved') response.end(COMMIT);
      else response.writeHead(302, { location: '/moved' }).end();
    });
    assert.equal((await sources.find(channel, 'latest', never)).revision, COMMIT);
  });

  test('that is a commit is not asked for', async context => {
    const { sources, asked } = await channels(context, (_request, response) => response.end('x'));
    assert.equal((await sources.find({ kind: 'channel', name: COMMIT }, 'latest', never)).revision, COMMIT);
    assert.deepEqual(asked, []);
  });

  test('that does not exist is an answer for good', async context => {
    const { sources } = await channels(context, (_request, response) => response.writeHead(404).end('no'));
    await assert.rejects(sources.find(channel, 'latest', never), (error: unknown) => {
      assert.ok(error instanceof PermanentError, String(error));
      assert.deepEqual(error.failure, {
        kind: 'unknown_source',
        message: 'there is no channel "nixos-26.05"',
      });
      return true;
    });
  });

  const troubles: readonly [what: string, answer: RequestListener][] = [
    ['garbage', (_request, response) => response.end('<html>Welcome to the hotel’s network</html>')],
    ['nothing', (_request, response) => response.end()],
    ['a short commit', (_request, response) => response.end(COMMIT.slice(0, 12))],
    ['two commits', (_request, response) => response.end(`${COMMIT}\n${COMMIT}\n`)],
    ['503 with a commit', (_request, response) => response.writeHead(503).end(COMMIT)],
    ['500', (_request, response) => response.writeHead(500).end()],
    ['a cut connection', (_request, response) => response.destroy()],
    [
      'a cut answer',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '41' });
        response.write(COMMIT.slice(0, 20), () => response.destroy());
      },
    ],
  ];
  for (const [what, answer] of troubles) {
    test(`whose server answers with ${what} may be asked again`, async context => {
      const { sources } = await channels(context, answer);
      await assert.rejects(sources.find(channel, 'latest', never), (error: unknown) => {
        assert.ok(error instanceof TransientError, String(error));
        assert.match(error.message, /nixos-26\.05/);
        return true;
      });
    });
  }

  test('whose server is down may be asked again', async context => {
    const { sources, close } = await channels(context, (_request, response) => response.end(COMMIT));
    await close();
    await assert.rejects(sources.find(channel, 'latest', never), TransientError);
  });

  test('is not waited for when the build is to stop', async context => {
    const stopping = new AbortController();
    const { sources } = await channels(context, () => stopping.abort());
    await assert.rejects(sources.find(channel, 'latest', stopping.signal));
  });
});

describe('the Debian set', () => {
  test('is at the revision that its folder says', async context => {
    const debianSet = await mkdtemp(join(tmpdir(), 'derivery-set-'));
    context.after(() => rm(debianSet, { recursive: true, force: true }));
    await writeFile(join(debianSet, 'revision'), 'debian-12-abc\n');
    const sources = createPackageSources({ nix, debianSet, channelsUrl: 'http://127.0.0.1:9' });
    const found = await sources.find({ kind: 'debian' }, 'latest', never);
    assert.deepEqual(found, { revision: 'debian-12-abc', gitRef: undefined });
    assert.deepEqual(sources.at({ kind: 'debian' }, found), { path: debianSet });
  });
});

describe('what Nix evaluates', () => {
  const sources = createPackageSources({ nix, debianSet: undefined, channelsUrl: 'http://127.0.0.1:9' });

  test('of a repository is the revision that was found, and the ref to fetch it by', () => {
    const git = { kind: 'git', url: 'https://example.org/set.git' } as const;
    assert.deepEqual(sources.at(git, { revision: COMMIT, gitRef: 'refs/heads/main' }), {
      git: { url: git.url, rev: COMMIT, ref: 'refs/heads/main' },
    });
    assert.deepEqual(sources.at(git, { revision: COMMIT, gitRef: undefined }), {
      git: { url: git.url, rev: COMMIT },
    });
  });

  test('of a folder is the folder, whatever its revision', () => {
    const folder = { kind: 'path', folder: '/srv/set' } as const;
    assert.deepEqual(sources.at(folder, { revision: 'abc', gitRef: undefined }), { path: '/srv/set' });
  });
});
