import assert from 'node:assert/strict';
import { chmodSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { TransientError } from '#core/errors.ts';
import type { User } from '#core/meta-packages.ts';
import { linksLayer } from '#worker/pack/links.ts';
import { writeTar } from '#worker/pack/tar.ts';
import {
  file,
  folder,
  gnuTar,
  link,
  makeNode,
  storePath,
  temporaryFolder,
  unpack,
  type Tree,
} from './trees.ts';

interface Image {
  readonly user?: User;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** The tar of the layer of links for these trees by package name. */
async function layerOf(
  t: TestContext,
  packages: Record<string, Tree>,
  { user = 'root', owner = { uid: 0, gid: 0 } }: Image = {},
): Promise<Buffer> {
  const store = temporaryFolder(t);
  const outputs = Object.keys(packages).map(name => ({ storePath: storePath(name), priority: 5 }));
  for (const [name, tree] of Object.entries(packages)) {
    makeNode(join(store, name), folder(tree));
    chmodSync(join(store, name), 0o555);
  }
  const realPath = (path: string): string => join(store, path.slice(44));
  const entries = await linksLayer(outputs, { realPath, user, owner });
  return Buffer.concat([...writeTar(entries)]);
}

/** The layer of these trees, unpacked. */
async function rootOf(t: TestContext, packages: Record<string, Tree>, image: Image = {}): Promise<string> {
  const root = temporaryFolder(t);
  unpack(await layerOf(t, packages, image), root);
  return root;
}

/** What `ls -l` shows of an archive's links: name and target. */
function linksIn(archive: Buffer): string[] {
  return gnuTar(archive, '-tvf', '-')
    .split('\n')
    .filter(line => line.startsWith('l'))
    .map(line => line.replace(/^.* 00:00 /, ''));
}

test('an image of nothing has what every program may expect', async t => {
  assert.equal(
    gnuTar(await layerOf(t, {}), '-tvf', '-'),
    [
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 etc/',
      '-rw-r--r-- 0/0              26 1970-01-01 00:00 etc/group',
      '-rw-r--r-- 0/0              44 1970-01-01 00:00 etc/nsswitch.conf',
      '-rw-r--r-- 0/0              89 1970-01-01 00:00 etc/passwd',
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 home/',
      'drwx------ 0/0               0 1970-01-01 00:00 root/',
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 run/',
      'drwxrwxrwt 0/0               0 1970-01-01 00:00 tmp/',
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 var/',
      'dr-xr-xr-x 0/0               0 1970-01-01 00:00 var/empty/',
      'lrwxrwxrwx 0/0               0 1970-01-01 00:00 var/run -> ../run',
      'drwxrwxrwt 0/0               0 1970-01-01 00:00 var/tmp/',
      '',
    ].join('\n'),
  );
});

test('packages are linked into the root, each folder before what it holds', async t => {
  const packages = {
    coreutils: {
      bin: folder({ env: file('', true) }),
      constructor: folder(),
      'bin-x': folder(),
      share: folder({ 'caf\xe9': file() }),
    },
    bash: { bin: folder({ bash: file('', true), sh: link('bash') }) },
  };
  const into = temporaryFolder(t);
  const archive = await layerOf(t, packages);
  unpack(archive, into);
  const reversed = Object.fromEntries(Object.entries(packages).reverse());
  assert.ok(archive.equals(await layerOf(t, reversed)));
  assert.equal(lstatSync(join(into, 'constructor')).mode & 0o7777, 0o755);
  assert.deepEqual(linksIn(archive), [
    `bin/bash -> ${storePath('bash')}/bin/bash`,
    `bin/env -> ${storePath('coreutils')}/bin/env`,
    `bin/sh -> ${storePath('bash')}/bin/sh`,
    `share/caf\\351 -> ${storePath('coreutils')}/share/caf\\351`,
    'usr/bin/bash -> ../../bin/bash',
    'usr/bin/env -> ../../bin/env',
    'usr/bin/sh -> ../../bin/sh',
    'var/run -> ../run',
  ]);
  const folders = gnuTar(archive, '-tf', '-')
    .split('\n')
    .filter(line => line.startsWith('bin'));
  assert.deepEqual(folders, ['bin/', 'bin/bash', 'bin/env', 'bin/sh', 'bin-x/']);
});

test('certificates have every name under which programs look for them', async t => {
  const etc = folder({ ssl: folder({ certs: folder({ 'ca-bundle.crt': file() }) }) });
  const archive = await layerOf(t, { cacert: { etc } });
  assert.deepEqual(
    linksIn(archive).filter(line => !line.startsWith('var/')),
    [
      'etc/pki/tls/certs/ca-bundle.crt -> ../../../ssl/certs/ca-bundle.crt',
      'etc/ssl/cert.pem -> certs/ca-bundle.crt',
      `etc/ssl/certs/ca-bundle.crt -> ${storePath('cacert')}/etc/ssl/certs/ca-bundle.crt`,
      'etc/ssl/certs/ca-certificates.crt -> ca-bundle.crt',
      'usr/lib/ssl/cert.pem -> ../../../etc/ssl/certs/ca-bundle.crt',
    ],
  );
});

test("a package's own files stand before ours, save for the folders that programs write to", async t => {
  const etc = folder({ passwd: file('theirs'), group: link('passwd') });
  const base = { etc, var: folder({ tmp: file(), run: folder() }), tmp: folder({ x: file() }) };
  const listed = gnuTar(await layerOf(t, { base }), '-tvf', '-');
  assert.match(listed, / etc\/passwd -> .*-base\/etc\/passwd\n/);
  assert.match(listed, / etc\/group -> .*-base\/etc\/group\n/);
  assert.match(listed, /^drwxrwxrwt .* tmp\/$/m);
  assert.match(listed, /^drwxrwxrwt .* var\/tmp\/$/m);
  assert.match(listed, /^drwxr-xr-x .* var\/run\/$/m);
  assert.match(listed, / tmp\/x -> /);
  const root = await rootOf(t, { base });
  assert.match(readFileSync(join(root, 'etc/nsswitch.conf'), 'utf8'), /^hosts: files dns$/m);
});

test('second names are given only to files, and only where no package has them', async t => {
  const own = { bin: folder({ env: file() }), usr: folder({ bin: folder({ env: file() }) }) };
  assert.match(gnuTar(await layerOf(t, { own }), '-tvf', '-'), / usr\/bin\/env -> .*-own\/usr\/bin\/env\n/);
  const odd = { bin: folder({ env: folder({ deep: file() }) }) };
  assert.doesNotMatch(gnuTar(await layerOf(t, { odd }), '-tf', '-'), /^usr/m);
});

test('an output that is a single file has nothing to link', async t => {
  const real = join(temporaryFolder(t), 'script');
  makeNode(real, file('#!/bin/sh\n', true));
  const options = { realPath: () => real, user: 'root', owner: { uid: 0, gid: 0 } } as const;
  const alone = await linksLayer([], options);
  assert.deepEqual(
    (await linksLayer([{ storePath: storePath('script'), priority: 5 }], options)).map(({ name }) => name),
    alone.map(({ name }) => name),
  );
});

describe('users', () => {
  const shells: readonly [what: string, programs: readonly string[], shell: string][] = [
    ['bash, where there is one', ['sh', 'bash'], '/bin/bash'],
    ['what there is as sh', ['sh', 'ls'], '/bin/sh'],
    ['none', ['ls'], '/sbin/nologin'],
  ];
  for (const [what, programs, shell] of shells) {
    test(`have as their shell ${what}`, async t => {
      const bin = folder(Object.fromEntries(programs.map(name => [name, file('', true)])));
      const root = await rootOf(t, { tools: { bin } }, { user: 'nonroot' });
      assert.equal(
        readFileSync(join(root, 'etc/passwd'), 'utf8'),
        `root:x:0:0:root:/root:${shell}\n` +
          `nonroot:x:1000:1000:nonroot:/home/nonroot:${shell}\n` +
          'nobody:x:65534:65534:nobody:/var/empty:/sbin/nologin\n',
      );
    });
  }

  test('that are not root have a group and a home, whatever a package says', async t => {
    const etc = folder({ passwd: file('theirs'), group: file('theirs') });
    const home = folder({ nonroot: folder({ '.profile': file() }) });
    const archive = await layerOf(
      t,
      { base: { etc, home, nix: folder() } },
      { user: 'nonroot', owner: { uid: 7, gid: 8 } },
    );
    const root = temporaryFolder(t);
    unpack(archive, root);
    assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /^nonroot:x:1000:1000:/m);
    assert.equal(
      readFileSync(join(root, 'etc/group'), 'utf8'),
      'root:x:0:\nnonroot:x:1000:\nnobody:x:65534:\n',
    );
    const listed = gnuTar(archive, '-tvf', '-');
    assert.match(listed, /^drwxr-xr-x 1000\/1000 .* home\/nonroot\/$/m);
    assert.match(listed, /^lrwxrwxrwx 1000\/1000 .* home\/nonroot\/\.profile -> /m);
    assert.match(listed, /^drwxr-xr-x 7\/8 .* home\/$/m);
    assert.deepEqual(
      listed.split('\n').filter(line => line !== '' && !/ 7\/8 | home\/nonroot/.test(line)),
      [],
    );
  });

  test('are root only, where nobody asked for another', async t => {
    const root = await rootOf(t, {});
    assert.equal(
      readFileSync(join(root, 'etc/passwd'), 'utf8'),
      'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/var/empty:/sbin/nologin\n',
    );
    assert.equal(readlinkSync(join(root, 'var/run')), '../run');
  });
});

test('an output that Nix begins to delete while it is read is worth another try', async t => {
  const real = join(temporaryFolder(t), 'real');
  makeNode(real, folder({ bin: folder({ program: file('', true) }) }));
  chmodSync(real, 0o755);
  const outputs = [{ storePath: storePath('program'), priority: 5 }];
  await assert.rejects(
    linksLayer(outputs, { realPath: () => real, user: 'root', owner: { uid: 0, gid: 0 } }),
    TransientError,
  );
});
