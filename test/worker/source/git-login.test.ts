// Repositories that not everybody may read: the worker's own credentials open them, and are told to nobody.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { after, before, describe, test, type TestContext } from 'node:test';
import { createPackageSources, type PackageSources } from '#worker/source/package-sources.ts';
import { refusal, trouble } from './failures.ts';
import { serveGit } from './git-http.ts';
import { serveSsh, type GitSshServer } from './git-ssh.ts';
import { testStore } from './store.ts';
import { createUpstream, type Upstream } from './upstream.ts';

const never = new AbortController().signal;
const PASSWORD = 'open-sesame';

let upstream: Upstream;
let first: string;
let last: string;

before(async () => {
  upstream = await createUpstream();
  first = await upstream.commit('first');
  last = await upstream.commit('last');
  await upstream.push();
});
after(() => upstream[Symbol.asyncDispose]());

/** A worker with a home folder of its own, and perhaps a netrc in it. */
async function worker(
  context: TestContext,
  { netrc, ssh }: { netrc?: string; ssh?: string } = {},
): Promise<PackageSources> {
  const { nix, folder } = await testStore(context);
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  if (netrc !== undefined) await writeFile(join(home, '.netrc'), netrc, { mode: 0o600 });
  const environment = { ...process.env, HOME: home, ...(ssh !== undefined && { GIT_SSH_COMMAND: ssh }) };
  const git = { environment };
  return createPackageSources({ nix, folder, debianSet: undefined, channelsUrl: '', archivesUrl: '', git });
}

/** Finds and fetches HEAD, and a commit behind it. */
async function get(sources: PackageSources, url: string): Promise<string[]> {
  const source = { kind: 'git', url } as const;
  const revisions: string[] = [];
  for (const ref of ['latest', first]) {
    const found = await sources.find(source, ref, never);
    await sources.fetch(source, found, never);
    revisions.push(found.revision);
  }
  return revisions;
}

/** Checks an error and that nothing in it, told or not, is a secret. */
function without(secrets: readonly RegExp[], check: (error: unknown) => true): (error: unknown) => true {
  return error => {
    const all = inspect(error, { depth: null, showHidden: true });
    for (const secret of secrets) assert.doesNotMatch(all, secret);
    return check(error);
  };
}

describe('a private repository over HTTP', () => {
  const logins: readonly [what: string, netrc: string | undefined][] = [
    ['without a login', undefined],
    ['with a wrong password', `machine 127.0.0.1 login me password not-${PASSWORD}\n`],
    ['with a login for another host', `machine example.org login me password ${PASSWORD}\n`],
  ];

  test('is read with the login of the worker’s netrc', async context => {
    const url = await serveGit(context, upstream.bare, { login: `me:${PASSWORD}` });
    const sources = await worker(context, { netrc: `machine 127.0.0.1 login me password ${PASSWORD}\n` });
    assert.deepEqual(await get(sources, url), [last, first]);
  });

  for (const [what, netrc] of logins) {
    test(`is refused ${what}, and what helps is said`, async context => {
      const url = await serveGit(context, upstream.bare, { login: `me:${PASSWORD}` });
      const sources = await worker(context, netrc === undefined ? {} : { netrc });
      const said = `${url} wants a login, or does not exist: its operator gives one by a line for its host in the worker's ~/.netrc`;
      await assert.rejects(get(sources, url), without([/sesame/, /derivery-store/], refusal(said)));
      const source = { kind: 'git', url } as const;
      const fetched = sources.fetch(source, { revision: last, gitRef: undefined }, never);
      await assert.rejects(fetched, without([/sesame/, /derivery-store/], refusal(said)));
    });
  }

  test('whose server refuses by 403 wants a login; one that is out of order may be asked again', async context => {
    const answering = (status: number): Promise<string> =>
      serveGit(context, upstream.bare, {
        intercept: (_request, response) => {
          response.writeHead(status).end();
          return true;
        },
      });
    const sources = await worker(context, { netrc: `machine 127.0.0.1 login me password ${PASSWORD}\n` });
    await assert.rejects(get(sources, await answering(403)), without([/sesame/], refusal(/wants a login/)));
    await assert.rejects(
      get(sources, await answering(404)),
      refusal(/does not appear to be a git repository/),
    );
    for (const status of [429, 500, 503]) {
      await assert.rejects(
        get(sources, await answering(status)),
        without([/sesame/], trouble(/cannot read http/)),
      );
    }
  });
});

describe('a private repository over SSH', () => {
  let server: GitSshServer;
  let url: string;
  const closing: (() => unknown)[] = [];
  before(async () => {
    server = await serveSsh(
      { after: end => void closing.push(end as () => unknown) },
      join(upstream.folder, 'ssh'),
    );
    url = `${server.address}${upstream.bare}`;
  });
  after(() => Promise.all(closing.map(end => end())));

  test('is read with the worker’s key', async context => {
    const sources = await worker(context, { ssh: server.client('accepted') });
    assert.deepEqual(await get(sources, url), [last, first]);
  });

  test('is refused with another key, and what helps is said', async context => {
    const sources = await worker(context, { ssh: server.client('other') });
    const said = `${url} wants a login, or does not exist: its operator gives one by an SSH key in the worker's ~/.ssh that the server accepts`;
    await assert.rejects(get(sources, url), without([/ssh\/other/], refusal(said)));
  });

  test('T19: is refused where its host key is not known', async context => {
    const sources = await worker(context, { ssh: server.client('accepted', 'unknown') });
    await assert.rejects(
      get(sources, url),
      without([/ssh\/accepted/], refusal(/does not know the host key of ssh:/)),
    );
  });

  test('that is not there is no repository; a server that is down may be asked again', async context => {
    const sources = await worker(context, { ssh: server.client('accepted') });
    await assert.rejects(get(sources, `${url}-not`), refusal(/does not appear to be a git repository/));
    const down = 'ssh://127.0.0.1:1/x.git';
    await assert.rejects(
      get(sources, down),
      without([/ssh\/accepted/], trouble(/cannot read ssh:.*Connection refused/)),
    );
  });
});
