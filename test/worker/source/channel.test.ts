import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { execa } from 'execa';
import { TransientError } from '#core/errors.ts';
import { openNix } from '#worker/nix/nix.ts';
import { createPackageSources, type PackageSources } from '#worker/source/package-sources.ts';
import { refusal, trouble } from './failures.ts';
import { testStore } from './store.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const never = new AbortController().signal;

interface Served {
  readonly sources: PackageSources;
  readonly asked: string[];
  readonly close: () => Promise<unknown>;
}

/** Channels and archives as a server has them; answers what was asked for, too. */
async function served(
  context: TestContext,
  answer: RequestListener,
  { nix = openNix({ store: undefined, config: '' }), folder = '/nowhere' } = {},
): Promise<Served> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<unknown> => {
    if (!server.listening) return;
    server.close().closeAllConnections();
    return once(server, 'close');
  };
  context.after(close);
  const sources = createPackageSources({
    nix,
    folder,
    debianSet: undefined,
    channelsUrl: url,
    archivesUrl: `${url}/archive`,
  });
  return { sources, asked, close };
}

const channel = { kind: 'channel', name: 'nixos-26.05' } as const;
const pinned = { kind: 'channel', name: COMMIT } as const;

describe('a channel', () => {
  test('stands at the commit that its server tells', async context => {
    const { sources, asked } = await served(context, (_request, response) => response.end(`${COMMIT}\n`));
    const found = await sources.find(channel, 'latest', never);
    assert.deepEqual(found, { revision: COMMIT, gitRef: undefined });
    assert.deepEqual(asked, ['/nixos-26.05/git-revision']);
  });

  test('is followed where its server sends on', async context => {
    const { sources } = await served(context, ({ url }, response) => {
      if (url === '/moved') response.end(COMMIT);
      else response.writeHead(302, { location: '/moved' }).end();
    });
    assert.equal((await sources.find(channel, 'latest', never)).revision, COMMIT);
  });

  test('that is a commit is not asked for', async context => {
    const { sources, asked } = await served(context, (_request, response) => response.end('x'));
    assert.equal((await sources.find(pinned, 'latest', never)).revision, COMMIT);
    assert.deepEqual(asked, []);
  });

  test('that does not exist is an answer for good', async context => {
    const { sources } = await served(context, (_request, response) => response.writeHead(404).end('no'));
    await assert.rejects(
      sources.find(channel, 'latest', never),
      refusal('there is no channel "nixos-26.05"'),
    );
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
      const { sources } = await served(context, answer);
      await assert.rejects(sources.find(channel, 'latest', never), trouble(/nixos-26\.05/));
    });
  }

  test('whose server is down may be asked again', async context => {
    const { sources, close } = await served(context, (_request, response) => response.end(COMMIT));
    await close();
    await assert.rejects(sources.find(channel, 'latest', never), TransientError);
  });

  test('is not waited for when the build is to stop', async context => {
    const stopping = new AbortController();
    const { sources } = await served(context, () => stopping.abort());
    await assert.rejects(sources.find(channel, 'latest', stopping.signal));
  });
});

describe('nixpkgs at a commit', () => {
  const found = { revision: COMMIT, gitRef: undefined };

  /** An archive as GitHub makes them: with one folder at its top. */
  async function archive(folder: string): Promise<Buffer> {
    const top = join(folder, `nixpkgs-${COMMIT}`);
    await mkdir(top, { recursive: true });
    await writeFile(join(top, 'default.nix'), '{ }\n');
    const file = join(folder, 'archive.tar.gz');
    await execa('tar', ['--create', '--gzip', '--file', file, '--directory', folder, `nixpkgs-${COMMIT}`]);
    return readFile(file);
  }

  test('is unpacked from its archive, once', async context => {
    const store = await testStore(context);
    const bytes = await archive(join(store.folder, 'archive'));
    const { sources, asked } = await served(context, (_request, response) => response.end(bytes), store);
    const stored = await sources.fetch(channel, found, never);
    assert.equal(stored.kind, 'package-set');
    assert.match(stored.path, /-source$/);
    assert.equal(await readFile(join(store.nix.realPath(stored.path), 'default.nix'), 'utf8'), '{ }\n');
    assert.deepEqual(await sources.fetch(channel, found, never), stored);
    assert.deepEqual(await sources.fetch(pinned, found, never), stored);
    assert.deepEqual(asked, [`/archive/${COMMIT}.tar.gz`]);
  });

  test('that does not exist is an answer for good', async context => {
    const store = await testStore(context);
    const { sources } = await served(context, (_request, response) => response.writeHead(404).end(), store);
    await assert.rejects(sources.fetch(pinned, found, never), refusal(`nixpkgs has no commit ${COMMIT}`));
  });

  for (const [what, answer] of [
    ['a broken archive', (_request, response) => response.end('no archive')],
    ['503', (_request, response) => response.writeHead(503).end()],
    ['a cut connection', (_request, response) => response.destroy()],
  ] satisfies [string, RequestListener][]) {
    test(`whose server answers with ${what} may be asked again`, async context => {
      const store = await testStore(context);
      const { sources } = await served(context, answer, store);
      await assert.rejects(sources.fetch(pinned, found, never), trouble(/nixpkgs cannot be fetched/));
    });
  }
});
