// The package set made of Debian packages: all of it builds, runs with nothing but its closure, and depends on no host.
import assert from 'node:assert/strict';
import { access, constants, cp, mkdtemp, readdir } from 'node:fs/promises';
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
  packageNames,
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

const signal = AbortSignal.timeout(300_000);
let set: DebianSet;
let names: string[];
before(async () => {
  set = await debianSet();
  names = await packageNames(set);
  await build(set, names);
});

test('every package has the main program that it names', async () => {
  assert.ok(names.length >= 60, `${names.length} packages`);
  for (const { path, mainProgram } of found(await resolveNames(set, names))) {
    if (mainProgram !== null) await access(join(set.nix.realPath(path), 'bin', mainProgram), constants.X_OK);
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
  const certificates = join(set.nix.realPath(cacert.path), 'etc/ssl/certs/ca-bundle.crt');
  const { stdout } = await execa('grep', ['-c', 'BEGIN CERTIFICATE', certificates]);
  assert.ok(Number(stdout) > 100);
  const etc = await readdir(join(set.nix.realPath(ianaEtc.path), 'etc'));
  assert.ok(['protocols', 'services'].every(name => etc.includes(name)));
});

test('another store, and another folder, give the same paths with the same content', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'derivery test-'));
  try {
    const elsewhere = join(folder, 'elsewhere');
    const isNeeded = (path: string): boolean => path !== join(set.folder, 'debs/arm64');
    await cp(set.folder, elsewhere, { recursive: true, filter: isNeeded });
    const nix = openNix({ store: join(folder, 'store'), config: await nixConfig('debian') });
    const source = await storeFolder(nix, elsewhere);
    const packages = ['jq', 'sqlite', 'perlminimal', 'cacert'];
    const request = { source, system: SYSTEM, packages, importArguments: NO_ARGUMENTS };
    const items = found(await resolve(nix, request, { signal }));
    await realise(nix, items, { signal });
    const paths = items.map(({ path }) => path);
    assert.deepEqual(await closure(nix, paths, { signal }), await closure(set.nix, paths, { signal }));
  } finally {
    await removeStore(folder);
  }
});
