// The package set made of Debian packages: all of it builds, runs with nothing but its closure, and depends on no host.
import assert from 'node:assert/strict';
import { access, copyFile, cp, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { execa } from 'execa';
import { nixConfig } from '#local/nix.ts';
import {
  build,
  debianSet,
  found,
  NO_ARGUMENTS,
  removeStore,
  resolveNames,
  SYSTEM,
  type DebianSet,
} from '#test/nix/debian-set.ts';
import { runInClosure } from '#test/nix/run-closure.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { closure } from '#worker/nix/closure.ts';
import { openNix } from '#worker/nix/nix.ts';
import { realise } from '#worker/nix/realise.ts';
import { resolve } from '#worker/nix/resolve.ts';
import { runNix } from '#worker/nix/run-nix.ts';

const signal = AbortSignal.timeout(300_000);
let set: DebianSet;
let names: string[];
before(async () => {
  set = await debianSet();
  const expression = join(import.meta.dirname, 'package-names.nix');
  const args = ['--eval', '--strict', '--json', expression];
  const parameters = ['--argstr', 'folder', set.folder, '--argstr', 'system', SYSTEM];
  const { stdout } = await runNix(set.nix, 'nix-instantiate', [...args, ...parameters], { signal });
  names = JSON.parse(stdout) as string[];
  await build(set, names);
});

test('every package has the main program that it names', async () => {
  assert.ok(names.length >= 60, `${names.length} packages`);
  for (const { path, mainProgram } of found(await resolveNames(set, names))) {
    if (mainProgram !== null) await access(join(set.nix.realPath(path), 'bin', mainProgram));
  }
});

test('no link leads out of the store, or to nothing', async () => {
  const paths = found(await resolveNames(set, [...names, 'openssl.dev', 'openssl.out', 'sqlite.dev'])).map(
    ({ path }) => set.nix.realPath(path),
  );
  const { stdout } = await execa('find', [...paths, '-type', 'l', '-printf', '%p\t%l\n']);
  for (const line of stdout.split('\n')) {
    const [link = '', target = ''] = line.split('\t');
    if (target.startsWith('/')) {
      assert.match(target, /^\/nix\/store\//, link);
      await access(join(set.store, target));
    } else {
      await access(link);
    }
  }
});

suite('programs run with nothing but their closure', () => {
  const scripts: readonly [packages: readonly string[], script: string, expected: string | RegExp][] = [
    [['hello'], 'hello', 'Hello, world!'],
    [['jq'], `jq -cn '{a: [1, 2]} | .a | add'`, '3'],
    [['curl', 'cacert'], `curl -sS file:///proc/self/comm; curl --version`, /^curl\ncurl 7.* OpenSSL/s],
    [
      ['git', 'coreutils'],
      `git init -q a; cd a; git -c user.name=n -c user.email=e commit -q --allow-empty -m first
       git submodule status; git stash list; git clone -q /tmp/a /tmp/b; git -C /tmp/b log --format=%s`,
      'first',
    ],
    [
      ['python3', 'python3packages.six'],
      `python3 -c 'import bz2, ctypes, curses, dbm.ndbm, decimal, hashlib, json, lzma, readline, sqlite3, ssl, uuid, zlib
print(json.dumps(sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()))'`,
      '[42]',
    ],
    [['sqlite'], `sqlite3 :memory: 'select 6 * 7'`, '42'],
    [['openssl'], 'openssl dgst -sha256 /dev/null', /e3b0c44298fc1c149afbf4c8996fb924/],
    [
      ['perl', 'perlpackages.json'],
      `perl -MJSON::PP -MTime::HiRes -MDB_File -MSocket -e 'print encode_json([42]), "\\n"'`,
      '[42]',
    ],
    [['moreutils', 'coreutils'], 'echo a | ts -i %.S; chronic echo b; echo c | sponge', /^[0-9.]+ a\nc$/],
    [
      ['gcc', 'gnumake', 'coreutils'],
      `printf '#include <math.h>\\n#include <stdio.h>\\nint main(int c, char **v) { printf("%%g\\\\n", sqrt(c + 3.0)); }' >a.c
       printf 'a: a.c\\n\\tgcc -O2 -Wall -Werror -o a a.c -lm\\n' >Makefile
       make; ./a; gcc -flto -o b a.c -lm; ./b; gcc -static -o c a.c -lm; ./c`,
      'gcc -O2 -Wall -Werror -o a a.c -lm\n2\n2\n2',
    ],
    [
      [
        'gnutar',
        'gzip',
        'xz',
        'zstd',
        'bzip2',
        'gnused',
        'gnugrep',
        'gawk',
        'findutils',
        'diffutils',
        'patch',
      ],
      `echo a >a; for z in z J j; do tar -c$z -f a.t a; tar -xf a.t; done; tar --zstd -cf a.t a; zcat --version >/dev/null
       sed s/a/b/ a >b; diff -u a b >p || patch -s a p; grep b a; awk '{ print $1 $1 }' a; find . -name 'a' | xargs diff b`,
      'b\nbb',
    ],
    [['which', 'less', 'file', 'tree', 'hello'], 'file -Lb $(which hello); less --version', /^ELF.*\nless/s],
    [
      ['ripgrep', 'rsync', 'nano', 'coreutils'],
      'echo x >a; rsync a b; rg x b; nano --version',
      /^x\n GNU nano/,
    ],
    [
      ['7zz', 'binutils', 'patchelf'],
      '7zz i; strip --version; patchelf --version',
      /7-Zip.*GNU strip.*patchelf 0/s,
    ],
    [['xorg.xev'], 'xev || echo $?', /unable to open display.*\n1$/s],
  ];
  for (const [packages, script, expected] of scripts) {
    test(packages.join(' '), async () => {
      const [bash, ...items] = found(await resolveNames(set, ['bash', ...packages]));
      assert.ok(bash);
      const output = await runInClosure(set, items, bash, script);
      if (typeof expected === 'string') assert.equal(output, expected);
      else assert.match(output, expected);
    });
  }
});

test('the data that every image gets is there', async () => {
  const [cacert, ianaEtc] = found(await resolveNames(set, ['cacert', 'iana-etc']));
  assert.ok(cacert && ianaEtc);
  const certificates = join(set.nix.realPath(cacert.path), 'etc/ssl/certs');
  for (const name of ['ca-bundle.crt', 'ca-certificates.crt']) {
    const { stdout } = await execa('grep', ['-c', 'BEGIN CERTIFICATE', join(certificates, name)]);
    assert.ok(Number(stdout) > 100);
  }
  const etc = await readdir(join(set.nix.realPath(ianaEtc.path), 'etc'));
  assert.ok(['protocols', 'services'].every(name => etc.includes(name)));
});

test('another store, and another folder, give the same paths with the same content', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'derivery test-'));
  try {
    const elsewhere = join(folder, 'the-set');
    await cp(set.folder, elsewhere, { recursive: true });
    const nix = openNix({ store: join(folder, 'store'), config: await nixConfig('debian') });
    const packages = ['jq', 'sqlite', 'perlminimal', 'cacert'];
    const source = await storeFolder(nix, elsewhere);
    const request = { source, system: SYSTEM, packages, importArguments: NO_ARGUMENTS };
    const items = found(await resolve(nix, request, { signal }));
    await realise(nix, items, { signal });
    const paths = items.map(({ path }) => path);
    assert.deepEqual(await closure(nix, paths, { signal }), await closure(set.nix, paths, { signal }));
  } finally {
    await removeStore(folder);
  }
});

test('arm64 needs its own Debian packages, and says so; with them it evaluates', async () => {
  const aarch64 = {
    system: 'aarch64-linux',
    packages: ['git', 'gcc', 'xorg.xev'],
    importArguments: NO_ARGUMENTS,
  };
  const without = await resolve(set.nix, { source: set.source, ...aarch64 }, { signal });
  for (const item of without) {
    assert.ok(item.kind === 'failed');
    assert.match(item.message, /^This package set has no packages for arm64 on this machine\.$/);
  }
  const folder = await mkdtemp(join(tmpdir(), 'derivery-arm64-'));
  try {
    for (const name of await readdir(set.folder)) {
      if (/\.(?:nix|sh)$/.test(name)) await copyFile(join(set.folder, name), join(folder, name));
    }
    await mkdir(join(folder, 'debs/arm64'), { recursive: true });
    for (const name of await readdir(join(set.folder, 'debs/amd64'))) {
      const arm64 = name.replace('amd64', 'arm64').replace('x86-64', 'aarch64');
      await writeFile(join(folder, 'debs/arm64', arm64), name);
    }
    const source = await storeFolder(set.nix, folder);
    const items = await resolve(set.nix, { source, ...aarch64 }, { signal });
    assert.deepEqual(
      items.map(({ kind }) => kind),
      ['found', 'found', 'found'],
    );
  } finally {
    await removeStore(folder);
  }
});
