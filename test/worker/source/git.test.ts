import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { ConfigurationError } from '#core/errors.ts';
import { untilRunning } from '#test/worker/nix/processes.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';
import { openGit } from '#worker/source/git.ts';
import { resolveGitRef } from '#worker/source/git-refs.ts';
import { refusal, trouble } from './failures.ts';
import { serveGit } from './git-http.ts';
import { testStore } from './store.ts';
import { createUpstream, type Upstream } from './upstream.ts';

const never = new AbortController().signal;

let upstream: Upstream;
let head: string;
before(async () => {
  upstream = await createUpstream();
  head = await upstream.commit('head');
  await upstream.push();
});
after(() => upstream[Symbol.asyncDispose]());

/** A server that accepts and says nothing. */
async function silent(context: TestContext): Promise<{ port: number; connected: Promise<unknown> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection');
  server.on('connection', socket => context.after(() => socket.on('error', () => undefined).destroy()));
  context.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, connected };
}

describe('a redirect', () => {
  const redirecting = (context: TestContext, to: string): Promise<string> =>
    serveGit(context, upstream.bare, {
      intercept: ({ url = '' }, response) => {
        response.writeHead(302, { location: `${to}${url.slice('/bare.git'.length)}` }).end();
        return true;
      },
    });

  test('is followed within the protocol', async context => {
    const url = await redirecting(context, await serveGit(context, upstream.bare));
    assert.equal((await resolveGitRef(openGit(), url, 'latest', never)).revision, head);
  });

  for (const to of [
    'https://127.0.0.1:1/x.git',
    'file:///etc/hostname',
    'ssh://127.0.0.1/x',
    'ftp://127.0.0.1/x',
  ]) {
    test(`T19: is not followed to ${to}`, async context => {
      const url = await redirecting(context, to);
      await assert.rejects(
        resolveGitRef(openGit(), url, 'latest', never),
        refusal(/leads to another protocol than http, and is not followed there/),
      );
    });
  }
});

describe('git runs', () => {
  test('T19: no program that an address names', async () => {
    const proof = join(upstream.folder, 'proof');
    for (const protocol of ['file', 'ssh', 'https'] as const) {
      const args = ['ls-remote', '--', `ext::touch ${proof}`];
      const { succeeded, stderr } = await openGit()(args, { signal: never, protocol });
      assert.equal(succeeded, false);
      assert.match(stderr, /transport 'ext' not allowed/);
    }
    await assert.rejects(access(proof));
  });

  test('nothing over a network or a file where no protocol is given', async () => {
    const { succeeded } = await openGit()(['ls-remote', '--', upstream.url], { signal: never });
    assert.equal(succeeded, false);
  });

  test('under no configuration of the machine, of its user or of where it is started', async context => {
    const home = join(upstream.folder, 'home');
    await mkdir(join(home, '.config/git'), { recursive: true });
    await writeFile(join(home, '.gitconfig'), '[my]\n\tsetting = 1\n');
    const variables = {
      HOME: home,
      GIT_DIR: upstream.bare,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'my.setting',
      GIT_CONFIG_VALUE_0: '2',
    };
    const own = { ...process.env };
    Object.assign(process.env, variables);
    context.after(() => {
      for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
      Object.assign(process.env, own);
    });
    const here = process.cwd();
    process.chdir(upstream.tree);
    context.after(() => process.chdir(here));
    await writeFile(
      join(upstream.tree, '.git/config'),
      '[core]\n\trepositoryformatversion = 0\n[my]\n\tsetting = 3\n',
    );
    const { succeeded } = await openGit()(['config', 'my.setting'], { signal: never });
    assert.equal(succeeded, false);
  });

  test('or it is said that it cannot', async () => {
    const git = openGit({ environment: { ...process.env, PATH: '/nowhere' } });
    await assert.rejects(git(['version'], { signal: never }), ConfigurationError);
  });
});

describe('a server that accepts and says nothing', () => {
  for (const scheme of ['http', 'git', 'ssh']) {
    test(`is given up after a while: ${scheme}`, async context => {
      const { port } = await silent(context);
      const git = openGit({ patienceMs: 300 });
      const url = `${scheme}://127.0.0.1:${port}/x.git`;
      await assert.rejects(resolveGitRef(git, url, 'latest', never), trouble(/said nothing for 0\.3 s/));
      await untilRunning(url, false);
    });
  }

  test('does not hold a build that is to stop', async context => {
    const { port, connected } = await silent(context);
    const stopping = new AbortController();
    const url = `http://127.0.0.1:${port}/x.git`;
    const resolved = resolveGitRef(openGit(), url, 'latest', stopping.signal);
    await connected;
    stopping.abort(new Error('enough'));
    await assert.rejects(resolved, /^Error: enough$/);
    await untilRunning(url, false);
  });
});

test('a worker that is killed in the middle of a fetch leaves what the next one can use', async context => {
  const { nix, folder } = await testStore(context);
  const { promise: begun, resolve } = Promise.withResolvers<undefined>();
  let hangs = true;
  const url = await serveGit(context, upstream.bare, {
    // The second request is the one for the commit.
    intercept: ({ method, headers }, response) => {
      if (!hangs || method !== 'POST' || headers['content-length'] === '0') return false;
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).write('0');
      resolve(undefined);
      return true;
    },
  });
  const store = nix.options.at(-1) ?? '';
  const worker = fork(join(import.meta.dirname, 'fixtures/fetch.ts'), [store, folder, url, head]);
  await begun;
  await untilRunning(`${folder}/git`, true);
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  await untilRunning(`${folder}/git`, false);
  hangs = false;
  const next = createPackageSources({ nix, folder, debianSet: undefined, channelsUrl: '', archivesUrl: '' });
  const { kind } = await next.fetch({ kind: 'git', url }, { revision: head, gitRef: undefined }, never);
  assert.equal(kind, 'package-set');
});
