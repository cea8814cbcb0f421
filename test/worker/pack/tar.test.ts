import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import { storeEntries } from '#worker/pack/store-entries.ts';
import { tarParts, writeTar } from '#worker/pack/tar.ts';
import {
  file,
  folder,
  gnuTar,
  link,
  makeNode,
  ordered,
  readNode,
  remove,
  storePath,
  temporaryFolder,
  unpack,
  type Tree,
  type TreeNode,
} from './trees.ts';

const owner = { uid: 0, gid: 0 };
const HELLO = storePath('hello');
const TOP = 'nix/store/00000000000000000000000000000000-hello';

/** The tar of one store path that holds `node`. */
function pack(t: TestContext, node: TreeNode): Buffer {
  const real = join(temporaryFolder(t), 'real');
  makeNode(real, node);
  return packReal(real);
}

/** Packs what lies at `real`, which becomes read-only as a store path is. */
function packReal(real: string): Buffer {
  if (lstatSync(real, { throwIfNoEntry: false })?.isDirectory() === true) chmodSync(real, 0o555);
  return Buffer.concat([...writeTar(storeEntries([HELLO], { realPath: () => real, owner }))]);
}

/** Packs and unpacks; gives the place of the store path in what was unpacked. */
function roundTrip(t: TestContext, node: TreeNode): string {
  const into = temporaryFolder(t);
  unpack(pack(t, node), into);
  return join(into, TOP);
}

test('N12: GNU tar lists modes, owner, sizes, time and order as they are written down', t => {
  const archive = pack(
    t,
    folder({
      share: folder({ empty: folder() }),
      'bin.txt': file('text'),
      bin: folder({ hello: file('#!/bin/sh\n', true), hi: link('hello') }),
      nothing: file(),
    }),
  );
  assert.equal(
    gnuTar(archive, '-tvf', '-', '--full-time'),
    [
      `drwxr-xr-x 0/0               0 1970-01-01 00:00:01 nix/`,
      `drwxr-xr-x 0/0               0 1970-01-01 00:00:01 nix/store/`,
      `dr-xr-xr-x 0/0               0 1970-01-01 00:00:01 ${TOP}/`,
      `dr-xr-xr-x 0/0               0 1970-01-01 00:00:01 ${TOP}/bin/`,
      `-r-xr-xr-x 0/0              10 1970-01-01 00:00:01 ${TOP}/bin/hello`,
      `lrwxrwxrwx 0/0               0 1970-01-01 00:00:01 ${TOP}/bin/hi -> hello`,
      `-r--r--r-- 0/0               4 1970-01-01 00:00:01 ${TOP}/bin.txt`,
      `-r--r--r-- 0/0               0 1970-01-01 00:00:01 ${TOP}/nothing`,
      `dr-xr-xr-x 0/0               0 1970-01-01 00:00:01 ${TOP}/share/`,
      `dr-xr-xr-x 0/0               0 1970-01-01 00:00:01 ${TOP}/share/empty/`,
      '',
    ].join('\n'),
  );
  assert.equal(archive.length % 512, 0);
  assert.ok(
    archive.subarray(-1024).every(byte => byte === 0),
    'two blocks of zeros end it',
  );
});

test('every byte is as GNU tar writes it', t => {
  const place = temporaryFolder(t);
  const tree = folder({
    a: folder({ b: file('1') }),
    'a-b': link('a/b'),
    'a.b': file('x'.repeat(1000), true),
    [`a${'b'.repeat(60)}`]: folder({ ['c'.repeat(100)]: file('long'), ['d'.repeat(99)]: folder() }),
    ['e'.repeat(90)]: folder({ f: link('t'.repeat(100)) }),
    Z: file('x'.repeat(512)),
  });
  mkdirSync(join(place, 'nix/store'), { recursive: true });
  makeNode(join(place, TOP), tree);
  execFileSync('chmod', ['-R', 'a-w,a+rX', join(place, TOP)]);
  execFileSync('chmod', ['755', join(place, 'nix'), join(place, 'nix/store')]);
  const options = '--format=ustar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner -b1 -cf - nix';
  const expected = execFileSync('tar', options.split(' '), {
    cwd: place,
    env: { ...process.env, LC_ALL: 'C' },
  });
  assert.ok(packReal(join(place, TOP)).equals(expected));
});

test('several store paths come in their order, whatever the order asked for', t => {
  const real = temporaryFolder(t);
  const paths = [storePath('zlib', '1'), storePath('bash', '2'), storePath('abc', '1')];
  for (const path of paths) makeNode(join(real, path.slice('/nix/store/'.length)), file(path));
  const realPath = (path: StorePath) => join(real, path.slice('/nix/store/'.length));
  const listed = (asked: readonly StorePath[]) =>
    gnuTar(Buffer.concat([...writeTar(storeEntries(asked, { realPath, owner }))]), '-tf', '-');
  assert.equal(
    listed(paths),
    `nix/\nnix/store/\n${storePath('abc', '1').slice(1)}\n${storePath('zlib', '1').slice(1)}\n${storePath('bash', '2').slice(1)}\n`,
  );
  assert.equal(listed(paths.toReversed()), listed(paths));
});

/** Any bytes that a name can have, now and then too many for a ustar header. */
const name = fc
  .oneof(
    { weight: 6, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 90, maxLength: 200 }) },
    { weight: 6, arbitrary: fc.stringMatching(/^[a-c.]{1,4}$/).map(text => Buffer.from(text)) },
    { weight: 2, arbitrary: fc.stringMatching(/^[a-z]{40,130}$/).map(text => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.constantFrom('ä', 'naïve', '日本語').map(text => Buffer.from(text)) },
  )
  .map(bytes => Buffer.from(bytes.map(byte => (byte === 0 || byte === 0x2f ? 0x5f : byte))))
  .map(bytes => bytes.toString('latin1'))
  // No names on a disk; and an object would put a key that is a number before all others.
  .map(text => (/^(\.\.?|[0-9]+|__proto__)$/.test(text) ? `n${text}` : text));

const content = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(511, 512, 513, 5000).map(size => new Uint8Array(size).fill(0x78)),
);

const { tree } = fc.letrec<{ tree: Tree; node: TreeNode }>(tie => ({
  tree: fc.dictionary(name, tie('node'), { maxKeys: 5, noNullPrototype: true }),
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc
      .tuple(content, fc.boolean())
      .map(([bytes, executable]) => file(Buffer.from(bytes).toString('latin1'), executable)),
    name.map(link),
    tie('tree').map(folder),
  ),
}));

test('N12: any tree comes out of GNU tar as it went in, and its bytes do not depend on the order of its making', () => {
  fc.assert(
    fc.property(tree, original => {
      const place = mkdtempSync(join(tmpdir(), 'derivery-pack-'));
      try {
        makeNode(join(place, 'one'), folder(original));
        makeNode(join(place, 'two'), reversed(folder(original)));
        makeNode(join(place, 'out'), folder());
        const archive = packReal(join(place, 'one'));
        assert.ok(archive.equals(packReal(join(place, 'two'))), 'same bytes');
        unpack(archive, join(place, 'out'));
        assert.deepEqual(readNode(join(place, 'out', TOP)), ordered(folder(original)));
      } finally {
        remove(place);
      }
    }),
    { numRuns: 60 },
  );
});

function reversed(node: TreeNode): TreeNode {
  if (node.kind !== 'folder') return node;
  return folder(
    Object.fromEntries(
      Object.entries(node.tree)
        .reverse()
        .map(([key, child]) => [key, reversed(child)]),
    ),
  );
}

test('a store path that is a single file or a link', t => {
  assert.deepEqual(readNode(roundTrip(t, file('text', true))), file('text', true));
  assert.deepEqual(readNode(roundTrip(t, link('/nix/store'))), link('/nix/store'));
});

test('T23: files of several chunks, with holes or not, have all their bytes', t => {
  const place = temporaryFolder(t);
  const big = Buffer.alloc(3 * (1 << 20) + 7, 'derivery').toString('latin1');
  makeNode(
    join(place, 'real'),
    folder({ big: file(big), hole: file('before'), whole: file('x'.repeat(1 << 20)) }),
  );
  truncateSync(join(place, 'real/hole'), 5 << 20);
  makeNode(join(place, 'out'), folder());
  chmodSync(join(place, 'real'), 0o555);
  const chunks = [...writeTar(storeEntries([HELLO], { realPath: () => join(place, 'real'), owner }))];
  assert.ok(
    chunks.slice(0, -1).every(chunk => chunk.length === 1 << 20),
    'large chunks',
  );
  unpack(Buffer.concat(chunks), join(place, 'out'));
  assert.deepEqual(readNode(join(place, 'out', TOP)), readNode(join(place, 'real')));
});

test('a tree too deep for recursion', t => {
  const real = join(temporaryFolder(t), 'real');
  execFileSync('mkdir', ['-p', `${real}${'/d'.repeat(1900)}`]);
  chmodSync(real, 0o555);
  const names = [...storeEntries([HELLO], { realPath: () => real, owner })].map(entry => entry.name.length);
  assert.equal(names.length, 3 + 1900);
  assert.equal(names.at(-1), TOP.length + 2 * 1900);
});

test('names as long as a file system takes, of any bytes, in paths longer than a ustar header holds', t => {
  const longest = ['x'.repeat(255), `${'ä'.repeat(127)}x`, '\xff'.repeat(255)].map(long =>
    Buffer.from(long, long.startsWith('ä') ? 'utf8' : 'latin1').toString('latin1'),
  );
  const nested = longest.reduceRight<TreeNode>(
    (inner, long) => folder({ [long]: inner }),
    link('y'.repeat(255)),
  );
  assert.deepEqual(readNode(roundTrip(t, nested)), nested);
});

test('a file over 8 GiB, whose size is in a pax record', t => {
  const real = join(temporaryFolder(t), 'real');
  const size = 8 * 2 ** 30 + 5;
  makeNode(real, file());
  truncateSync(real, size);
  const parts = tarParts(storeEntries([HELLO], { realPath: () => real, owner }));
  const head: Buffer[] = [];
  for (const part of parts) {
    head.push(Buffer.from(part));
    if (head.length === 4) break;
  }
  // GNU tar lists what it has seen when the archive breaks off: the header is sound, and says how much was to come.
  const listed = spawnSync('tar', ['--numeric-owner', '-tvf', '-'], {
    input: Buffer.concat(head),
    encoding: 'utf8',
  });
  assert.match(listed.stdout, new RegExp(` ${size} .* ${TOP}\n$`));
});

test('equal files in two store paths are both there', t => {
  const place = temporaryFolder(t);
  const twins = [storePath('one', '1'), storePath('two', '2')];
  makeNode(join(place, 'real'), folder({ bin: folder({ same: file('same', true) }) }));
  makeNode(join(place, 'out'), folder());
  chmodSync(join(place, 'real'), 0o555);
  const entries = storeEntries(twins, { realPath: () => join(place, 'real'), owner });
  unpack(Buffer.concat([...writeTar(entries)]), join(place, 'out'));
  for (const twin of twins) {
    assert.deepEqual(readNode(join(place, 'out', twin.slice(1))), readNode(join(place, 'real')));
  }
});

test('T23: files that the store has joined to one by hard links are files of their own', t => {
  const place = temporaryFolder(t);
  makeNode(join(place, 'apart'), folder({ a: file('same'), b: file('same') }));
  makeNode(join(place, 'joined'), folder({ a: file('same') }));
  linkSync(join(place, 'joined/a'), join(place, 'joined/b'));
  assert.ok(packReal(join(place, 'joined')).equals(packReal(join(place, 'apart'))));
});

test("T23: only the owner's execute bit counts: no set-user-id, no sticky bit, no writing", t => {
  const place = temporaryFolder(t);
  makeNode(join(place, 'real'), folder({ folder: folder(), plain: file(), program: file('', true) }));
  chmodSync(join(place, 'real/program'), 0o6755);
  chmodSync(join(place, 'real/plain'), 0o677);
  chmodSync(join(place, 'real/folder'), 0o3777);
  makeNode(join(place, 'out'), folder());
  unpack(packReal(join(place, 'real')), join(place, 'out'));
  const mode = (path: string) => lstatSync(join(place, 'out', TOP, path)).mode & 0o7777;
  assert.deepEqual(['folder', 'plain', 'program'].map(mode), [0o555, 0o444, 0o555]);
});

test('T23: links are written as they are, wherever they lead', t => {
  const outside = folder({ up: link('../../../../etc/passwd'), self: link('self'), root: link('/') });
  assert.deepEqual(readNode(roundTrip(t, outside)), ordered(outside));
});

test('T23: what is neither file nor folder nor link is refused by its path', t => {
  const real = join(temporaryFolder(t), 'real');
  makeNode(real, folder({ bin: folder() }));
  execFileSync('mkfifo', [join(real, 'bin/pipe')]);
  assert.throws(
    () => packReal(real),
    error => error instanceof PermanentError && error.message.startsWith(`${real}/bin/pipe is neither`),
  );
});

test('a name by which layers delete files is refused, wherever it is', t => {
  const real = join(temporaryFolder(t), 'real');
  makeNode(real, folder({ share: folder({ '.wh.docs': file(), docs: file() }), '.why': file() }));
  assert.throws(
    () => packReal(real),
    error => error instanceof PermanentError && error.message.startsWith(`${real}/share/.wh.docs has a name`),
  );
});

test('a store path that Nix begins to delete, or was killed over, is worth another try', t => {
  const real = join(temporaryFolder(t), 'real');
  makeNode(real, folder({ bin: folder({ program: file('', true) }) }));
  packReal(real);
  // The first thing that Nix does; what it takes out of the path may be gone when it is read.
  chmodSync(real, 0o755);
  const entries = storeEntries([HELLO], { realPath: () => real, owner });
  assert.throws(
    () => [...writeTar(entries)],
    error => error instanceof TransientError && error.message.startsWith(`${real} was deleted`),
  );
});

for (const [what, change] of [
  ['shrinks', (path: string) => truncateSync(path, 2 << 20)],
  ['grows', (path: string) => appendFileSync(path, 'more')],
] as const) {
  test(`T23: a file that ${what} while it is read is worth another try`, t => {
    const real = join(temporaryFolder(t), 'real');
    makeNode(real, file('x'.repeat(3 << 20)));
    const chunks = writeTar(storeEntries([HELLO], { realPath: () => real, owner }));
    chunks.next();
    change(real);
    assert.throws(
      () => [...chunks],
      error => error instanceof TransientError && error.message.startsWith(`${real} changed its size`),
    );
  });
}

test('a store path that is gone is worth another try', t => {
  const real = join(temporaryFolder(t), 'real');
  assert.throws(
    () => packReal(real),
    error => error instanceof TransientError && error.message.includes(real),
  );
});
