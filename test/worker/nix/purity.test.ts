// An evaluation sees nothing of the machine, and of the network only what the package set pins.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { execa } from 'execa';
import { TransientError } from '#core/errors.ts';
import { debianSet, found, NO_ARGUMENTS, SYSTEM, type DebianSet } from '#test/nix/debian-set.ts';
import { serveGit } from '#test/worker/source/git-http.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { closure } from '#worker/nix/closure.ts';
import { realise } from '#worker/nix/realise.ts';
import { resolve, type ResolvedItem } from '#worker/nix/resolve.ts';

const signal = AbortSignal.timeout(60_000);
const CONTENT = `canary-${randomUUID()}`;
let set: DebianSet;
let folder: string;
let commit: string;
let tarball: { readonly url: string; readonly sha256: string };

before(async () => {
  set = await debianSet();
  folder = await mkdtemp(join(tmpdir(), 'derivery-canary-'));
  await writeFile(join(folder, 'canary'), CONTENT);
  await writeFile(join(folder, 'default.nix'), `"${CONTENT}"`);
  await mkdir(join(folder, 'other'));
  await writeFile(join(folder, 'other/default.nix'), '"of the other tree"');
  await execa('tar', ['-C', folder, '-czf', join(folder, 'other.tar.gz'), 'other']);
  const { stdout } = await execa('nix-hash', ['--type', 'sha256', '--base32', join(folder, 'other')]);
  tarball = { url: `file://${folder}/other.tar.gz`, sha256: stdout };
  const git = ['-C', folder, '-c', 'user.name=x', '-c', 'user.email=x@x.invalid'];
  await execa('git', [...git, 'init', '--quiet']);
  await execa('git', [...git, 'add', 'default.nix']);
  await execa('git', [...git, 'commit', '--quiet', '-m', 'x']);
  commit = (await execa('git', [...git, 'rev-parse', 'HEAD'])).stdout;
  process.env['DERIVERY_CANARY'] = CONTENT;
});
after(async () => {
  delete process.env['DERIVERY_CANARY'];
  await rm(folder, { recursive: true });
});

/** A package whose builder writes what the expression says. The set has a link to the canary in its tree. */
async function writerOf(
  text: string,
  { script = 'echo "$text" >$out', nix = set.nix } = {},
): Promise<ResolvedItem> {
  const tree = await mkdtemp(join(folder, 'set-'));
  await symlink(join(folder, 'canary'), join(tree, 'link'));
  const builder = `builder = "/bin/bash"; args = [ "-c" ''PATH=/bin:/usr/bin; ${script}; :'' ]`;
  await writeFile(
    join(tree, 'default.nix'),
    `{ system, ... }: { it = derivation { name = "it"; inherit system; ${builder}; text = ${text}; }; }`,
  );
  const source = await storeFolder(set.nix, tree);
  const request = { source, system: SYSTEM, packages: ['it'], importArguments: NO_ARGUMENTS };
  const [item] = await resolve({ ...nix, pinnedUris: [...nix.pinnedUris, tarball.url] }, request, { signal });
  assert.ok(item);
  return item;
}

/** What a package's closure holds. */
async function built(item: ResolvedItem): Promise<string> {
  const items = found([item]);
  await realise(set.nix, items, { signal });
  const paths = await closure(
    set.nix,
    items.map(({ path }) => path),
    { signal },
  );
  const { stdout } = await execa('tar', ['-c', ...paths.map(({ path }) => set.nix.realPath(path))], {
    encoding: 'latin1',
  });
  return stdout;
}

suite('refused, with words that say why', () => {
  const FORBIDDEN =
    /access to (?:absolute |canonical )?path '.*' is forbidden in .*sees nothing of the machine/s;
  const ADDRESS = /access to URI '.*' is forbidden in .*fetched by HTTP or HTTPS, without the worker's cred/s;
  const PINNED = /in pure evaluation mode, .*pinned by a hash/s;
  const cases: Record<string, [expression: (canary: string) => string, message: RegExp]> = {
    'reading a file': [canary => `builtins.readFile ${canary}`, FORBIDDEN],
    'reading a file, by text': [canary => `builtins.readFile "${canary}"`, FORBIDDEN],
    'reading a file, from the tree upwards': [
      canary => `builtins.readFile (./. + "/../../../../../../../../../../${canary}")`,
      FORBIDDEN,
    ],
    'reading a file, beside the store': [() => `builtins.readFile (./. + "/../../etc/passwd")`, FORBIDDEN],
    'reading a file, by a link in the tree': [() => `builtins.readFile ./link`, FORBIDDEN],
    'copying a file': [canary => `"\${${canary}}"`, FORBIDDEN],
    'copying a file, under a name': [canary => `builtins.path { name = "x"; path = ${canary}; }`, FORBIDDEN],
    'copying a file, whose hash is not known': [
      canary => `builtins.path { path = ${canary}; recursive = false; sha256 = "${'0'.repeat(52)}"; }`,
      /mismatch|forbidden/,
    ],
    'listing a folder': [() => 'toString (builtins.attrNames (builtins.readDir /etc))', FORBIDDEN],
    'an expression of the machine': [canary => `import ${canary}/..`, FORBIDDEN],
    'a channel of the machine': [() => 'toString <nixpkgs>', /cannot look up '<nixpkgs>'.*sees nothing/s],
    'another store path': [
      () => `builtins.storePath ${set.source.path}`,
      /'builtins.storePath' is not allowed in pure evaluation mode/,
    ],
    'reading another store path': [() => `builtins.readFile ${set.source.path}/default.nix`, FORBIDDEN],
    'the time': [() => 'toString builtins.currentTime', /'currentTime' missing.*sees nothing/s],
    'the system of the machine': [() => 'builtins.currentSystem', /'currentSystem' missing.*sees nothing/s],
    'a tarball that is not pinned': [() => `import (fetchTarball "${tarball.url}")`, PINNED],
    'a file that is not pinned': [
      () => `builtins.readFile (builtins.fetchurl "http://127.0.0.1:1/x")`,
      PINNED,
    ],
    'a repository that is not pinned': [() => `toString (fetchGit "http://127.0.0.1:1/x")`, PINNED],
    'another repository of the machine, by its folder': [
      () => `import (fetchGit { url = "${folder}"; rev = "${commit}"; })`,
      FORBIDDEN,
    ],
    'another repository of the machine, by a path': [
      () => `import (fetchGit { url = ${folder}; rev = "${commit}"; })`,
      FORBIDDEN,
    ],
    'another repository of the machine, by an address': [
      () => `import (fetchGit { url = "file://${folder}"; rev = "${commit}"; })`,
      FORBIDDEN,
    ],
    'a tarball of the machine': [
      () => `import (fetchTarball { url = "${tarball.url}?x"; sha256 = "${tarball.sha256}"; })`,
      FORBIDDEN,
    ],
    'a repository that is read with the worker’s key': [
      () => `import (fetchGit { url = "ssh://127.0.0.1:1/x"; rev = "${'1'.repeat(40)}"; })`,
      ADDRESS,
    ],
    'a repository that is read with the worker’s key, written shortly': [
      () => `import (fetchGit { url = "git@127.0.0.1:x"; rev = "${'1'.repeat(40)}"; })`,
      ADDRESS,
    ],
    'a tarball whose hash is another': [
      () => `import (fetchTarball { url = "${tarball.url}"; sha256 = "${'0'.repeat(52)}"; })`,
      /hash mismatch/,
    ],
  };
  for (const [name, [expression, message]] of Object.entries(cases)) {
    test(name, async () => {
      const item = await writerOf(expression(join(folder, 'canary')));
      assert.ok(item.kind === 'failed', JSON.stringify(item));
      assert.match(item.message, message);
      assert.ok(!item.message.includes(CONTENT));
      assert.ok(!item.message.includes(set.store), item.message);
    });
  }
});

test('the environment is empty', async () => {
  const item = await writerOf('"<${builtins.getEnv "DERIVERY_CANARY"}${builtins.getEnv "HOME"}>"');
  assert.match(await built(item), /<>/);
});

test('a link in the tree stays a link', async () => {
  const bytes = await built(await writerOf('"${./.}"'));
  assert.match(bytes, /default\.nix/);
  assert.ok(!bytes.includes(CONTENT));
});

test('a builder sees no more', async () => {
  const script = 'cat "$text" >$out || echo nothing to see >$out';
  const bytes = await built(await writerOf(`"${join(folder, 'canary')}"`, { script }));
  assert.match(bytes, /nothing to see/);
  assert.ok(!bytes.includes(CONTENT));
});

suite('a repository of the web', () => {
  const at = (url: string): string => `import (fetchGit { url = "${url}"; rev = "${commit}"; })`;

  test('is fetched at the commit that is pinned', async context => {
    const item = await writerOf(at(await serveGit(context, join(folder, '.git'))));
    assert.match(await built(item), new RegExp(CONTENT));
  });

  test('that wants a login does not get the worker’s', async context => {
    const url = await serveGit(context, join(folder, '.git'), { login: 'me:open-sesame' });
    const home = join(folder, 'home');
    await mkdir(home);
    await writeFile(join(home, '.netrc'), 'machine 127.0.0.1 login me password open-sesame\n', {
      mode: 0o600,
    });
    // A cache of its own: what the test before has fetched is not to be had from there.
    const environment = { ...set.nix.environment, HOME: home, XDG_CACHE_HOME: join(home, 'cache') };
    const item = await writerOf(at(url), { nix: { ...set.nix, environment } });
    assert.ok(item.kind === 'failed', JSON.stringify(item));
    assert.match(item.message, /without the worker's credentials/);
  });
});

test('what the package set pins by a hash is fetched', async () => {
  const { url, sha256 } = tarball;
  const item = await writerOf(`import (fetchTarball { url = "${url}"; sha256 = "${sha256}"; })`);
  assert.match(await built(item), /of the other tree/);
});

suite('what the package set pins, and cannot be had', () => {
  const pinned = (url: string): string =>
    `import (fetchTarball { url = "${url}"; sha256 = "${'1'.repeat(52)}"; })`;

  test('because nobody answers, is the network’s trouble', async () => {
    // Nobody listens on port 1. Nix would try again for a while.
    const config = `${set.nix.environment['NIX_CONFIG']}\ndownload-attempts = 1\n`;
    const nix = { ...set.nix, environment: { ...set.nix.environment, NIX_CONFIG: config } };
    await assert.rejects(writerOf(pinned('http://127.0.0.1:1/x.tar.gz'), { nix }), TransientError);
  });

  test('because it is not there, is the package’s', async () => {
    const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const item = await writerOf(pinned(`http://127.0.0.1:${address.port}/x.tar.gz`));
    server.close();
    assert.ok(item.kind === 'failed');
    assert.match(item.message, /404/);
  });
});
