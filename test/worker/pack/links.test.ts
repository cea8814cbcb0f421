import assert from 'node:assert/strict';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
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

/** The tar of the layer of links for these trees by attribute name. */
async function layerOf(t: TestContext, packages: Record<string, Tree>): Promise<Buffer> {
  const store = temporaryFolder(t);
  const outputs = Object.keys(packages).map(name => ({ name, storePath: storePath(name) }));
  for (const [name, tree] of Object.entries(packages)) makeNode(join(store, name), folder(tree));
  const entries = await linksLayer(outputs, path => join(store, path.slice(44)));
  return Buffer.concat([...writeTar(entries)]);
}

test('an image of nothing has what every program may expect', async t => {
  assert.equal(
    gnuTar(await layerOf(t, {}), '-tvf', '-'),
    [
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 etc/',
      '-rw-r--r-- 0/0              26 1970-01-01 00:00 etc/group',
      '-rw-r--r-- 0/0              44 1970-01-01 00:00 etc/nsswitch.conf',
      '-rw-r--r-- 0/0              85 1970-01-01 00:00 etc/passwd',
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 home/',
      'drwx------ 0/0               0 1970-01-01 00:00 root/',
      'drwxrwxrwt 0/0               0 1970-01-01 00:00 tmp/',
      'drwxr-xr-x 0/0               0 1970-01-01 00:00 var/',
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
    cacert: { etc: folder({ ssl: folder({ certs: folder({ 'ca-bundle.crt': file() }) }) }) },
    bash: { bin: folder({ bash: file('', true), sh: link('bash') }) },
  };
  const into = temporaryFolder(t);
  const archive = await layerOf(t, packages);
  unpack(archive, into);
  const reversed = Object.fromEntries(Object.entries(packages).reverse());
  assert.ok(archive.equals(await layerOf(t, reversed)));
  assert.equal(lstatSync(join(into, 'constructor')).mode & 0o7777, 0o755);
  assert.deepEqual(
    gnuTar(archive, '-tvf', '-')
      .split('\n')
      .filter(line => line.startsWith('l'))
      .map(line => line.replace(/^.* 00:00 /, '')),
    [
      `bin/bash -> ${storePath('bash')}/bin/bash`,
      `bin/env -> ${storePath('coreutils')}/bin/env`,
      `bin/sh -> ${storePath('bash')}/bin/sh`,
      `etc/ssl/certs/ca-bundle.crt -> ${storePath('cacert')}/etc/ssl/certs/ca-bundle.crt`,
      `etc/ssl/certs/ca-certificates.crt -> ${storePath('cacert')}/etc/ssl/certs/ca-bundle.crt`,
      `share/caf\\351 -> ${storePath('coreutils')}/share/caf\\351`,
      `usr/bin/env -> ${storePath('coreutils')}/bin/env`,
    ],
  );
  const folders = gnuTar(archive, '-tf', '-')
    .split('\n')
    .filter(line => line.startsWith('bin'));
  assert.deepEqual(folders, ['bin/', 'bin/bash', 'bin/env', 'bin/sh', 'bin-x/']);
});

test("a package's own files stand before ours, save for the folders that programs write to", async t => {
  const into = temporaryFolder(t);
  const etc = folder({ passwd: file('theirs'), group: link('passwd') });
  const archive = await layerOf(t, {
    base: { etc, var: folder({ tmp: file() }), tmp: folder({ x: file() }) },
  });
  unpack(archive, into);
  const listed = gnuTar(archive, '-tvf', '-');
  assert.match(listed, / etc\/passwd -> .*-base\/etc\/passwd\n/);
  assert.match(listed, / etc\/group -> .*-base\/etc\/group\n/);
  assert.match(readFileSync(join(into, 'etc/nsswitch.conf'), 'utf8'), /^hosts: files dns$/m);
  assert.match(listed, /^drwxrwxrwt .* tmp\/$/m);
  assert.match(listed, /^drwxrwxrwt .* var\/tmp\/$/m);
  assert.match(listed, / tmp\/x -> /);
});

test('second names are given only to files, and only where no package has them', async t => {
  const own = { bin: folder({ env: file() }), usr: folder({ bin: folder({ env: file() }) }) };
  assert.match(gnuTar(await layerOf(t, { own }), '-tvf', '-'), / usr\/bin\/env -> .*-own\/usr\/bin\/env\n/);
  const odd = { bin: folder({ env: folder() }) };
  assert.doesNotMatch(gnuTar(await layerOf(t, { odd }), '-tf', '-'), /^usr/m);
});

test('an output that is a single file has nothing to link', async t => {
  const real = join(temporaryFolder(t), 'script');
  makeNode(real, file('#!/bin/sh\n', true));
  const alone = await linksLayer([], () => real);
  assert.deepEqual(
    (await linksLayer([{ name: 'script', storePath: storePath('script') }], () => real)).map(
      ({ name }) => name,
    ),
    alone.map(({ name }) => name),
  );
});
