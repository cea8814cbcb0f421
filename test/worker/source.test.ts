import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { openNix } from '#worker/nix/nix.ts';
import { createSourceResolver, type SourceResolver } from '#worker/source.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const never = new AbortController().signal;
const nix = openNix({ store: undefined, config: '' });

/** Channels as a server tells them; answers what was asked for, too. */
async function channels(
  context: TestContext,
  answer: RequestListener,
): Promise<{ resolve: SourceResolver; asked: string[]; close: () => Promise<void> }> {
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
  return { resolve: createSourceResolver({ nix, debianSet: undefined, channelsUrl }), asked, close };
}

const channel = { kind: 'channel', name: 'nixos-26.05' } as const;

describe('a channel', () => {
  test('stands at the commit that its server tells', async context => {
    const { resolve, asked } = await channels(context, (_request, response) => response.end(`${COMMIT}\n`));
    assert.deepEqual(await resolve(channel, 'latest', never), {
      revision: COMMIT,
      nix: { tarball: `https://github.com/NixOS/nixpkgs/archive/${COMMIT}.tar.gz` },
    });
    assert.deepEqual(asked, ['/nixos-26.05/git-revision']);
  });

  test('is followed where its server sends on', async context => {
    const { resolve } = await channels(context, ({ url }, response) => {
      if (url === '/moved') response.end(COMMIT);
      else response.writeHead(302, { location: '/moved' }).end();
    });
    assert.equal((await resolve(channel, 'latest', never)).revision, COMMIT);
  });

  test('that is a commit is not asked for', async context => {
    const { resolve, asked } = await channels(context, (_request, response) => response.end('x'));
    assert.equal((await resolve({ kind: 'channel', name: COMMIT }, 'latest', never)).revision, COMMIT);
    assert.deepEqual(asked, []);
  });

  test('that does not exist is an answer for good', async context => {
    const { resolve } = await channels(context, (_request, response) => response.writeHead(404).end('no'));
    await assert.rejects(resolve(channel, 'latest', never), (error: unknown) => {
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
      const { resolve } = await channels(context, answer);
      await assert.rejects(resolve(channel, 'latest', never), (error: unknown) => {
        assert.ok(error instanceof TransientError, String(error));
        assert.match(error.message, /nixos-26\.05/);
        return true;
      });
    });
  }

  test('whose server is down may be asked again', async context => {
    const { resolve, close } = await channels(context, (_request, response) => response.end(COMMIT));
    await close();
    await assert.rejects(resolve(channel, 'latest', never), TransientError);
  });

  test('is not waited for when the build is to stop', async context => {
    const stopping = new AbortController();
    const { resolve } = await channels(context, () => stopping.abort());
    await assert.rejects(resolve(channel, 'latest', stopping.signal));
  });
});

describe('the Debian set', () => {
  test('is at the revision that its folder says', async context => {
    const debianSet = await mkdtemp(join(tmpdir(), 'derivery-set-'));
    context.after(() => rm(debianSet, { recursive: true, force: true }));
    await writeFile(join(debianSet, 'revision'), 'debian-12-abc\n');
    const resolve = createSourceResolver({ nix, debianSet, channelsUrl: 'http://127.0.0.1:9' });
    assert.deepEqual(await resolve({ kind: 'debian' }, 'latest', never), {
      revision: 'debian-12-abc',
      nix: { path: debianSet },
    });
  });
});
