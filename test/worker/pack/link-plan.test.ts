import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { PermanentError } from '#core/errors.ts';
import { planLinks, type PlannedNode, type ReadOutput } from '#worker/pack/link-plan.ts';
import type { StorePath } from '#core/store-path.ts';
import type { OutputNode, OutputTree } from '#worker/pack/output-tree.ts';
import { addRootFiles } from '#worker/pack/root-files.ts';
import { file, folder, link, storePath, type Tree, type TreeNode } from './trees.ts';

const A = storePath('a', 'a');
const B = storePath('b', 'b');

function toNode(node: TreeNode): OutputNode {
  switch (node.kind) {
    case 'folder':
      return { kind: 'directory', children: toOutputTree(node.tree) };
    case 'link':
      return { kind: 'symlink', target: node.target };
    case 'file':
      return { kind: 'file' };
  }
}

function toOutputTree(tree: Tree): OutputTree {
  return new Map(Object.entries(tree).map(([name, node]) => [name, toNode(node)]));
}

const outputOf = (path: StorePath, tree: Tree, priority = 5): ReadOutput => ({
  storePath: path,
  priority,
  tree: toOutputTree(tree),
});
const outputA = (tree: Tree): ReadOutput => outputOf(A, tree);
const outputB = (tree: Tree): ReadOutput => outputOf(B, tree);

/** A plan for people: folders end in a slash, links show where they lead. */
function shown(plan: ReadonlyMap<string, PlannedNode>): string[] {
  return [...plan]
    .map(([path, node]) => {
      if (node.kind === 'directory') return `${path}/`;
      return node.kind === 'link' ? `${path} -> ${node.target}` : path;
    })
    .sort();
}

test('folders are real, what is in them is linked, and two outputs share a folder', () => {
  const plan = planLinks([
    outputA({ bin: folder({ a: file() }), share: folder({ man: folder({ 'a.1': file() }) }) }),
    outputB({ bin: folder({ b: file(), c: link('b') }), share: folder({ man: folder(), doc: folder() }) }),
  ]);
  assert.deepEqual(shown(plan), [
    `bin/`,
    `bin/a -> ${A}/bin/a`,
    `bin/b -> ${B}/bin/b`,
    `bin/c -> ${B}/bin/c`,
    `share/`,
    `share/doc/`,
    `share/man/`,
    `share/man/a.1 -> ${A}/share/man/a.1`,
  ]);
});

test('top-level files and links out stay in the store, and folders that are not for the root', () => {
  const plan = planLinks([
    outputA({
      README: file(),
      out: link('/nix/store'),
      'nix-support': folder({ 'propagated-build-inputs': file() }),
      nix: folder({ store: folder({ evil: file() }) }),
      dev: folder({ null: file() }),
      lib: folder({ nix: folder({ plugin: file() }) }),
    }),
  ]);
  assert.deepEqual(shown(plan), ['lib/', 'lib/nix/', `lib/nix/plugin -> ${A}/lib/nix/plugin`]);
});

test('of equal priority the first name wins a file; a folder wins over a file or link, whoever comes first', () => {
  const one = {
    bin: folder({ same: file() }),
    lib: folder({ x: link('/elsewhere'), y: folder({ one: file() }) }),
  };
  const two = { bin: folder({ same: file() }), lib: folder({ x: folder({ two: file() }), y: file() }) };
  assert.deepEqual(shown(planLinks([outputB(two), outputA(one)])), [
    `bin/`,
    `bin/same -> ${A}/bin/same`,
    `lib/`,
    `lib/x/`,
    `lib/x/two -> ${B}/lib/x/two`,
    `lib/y/`,
    `lib/y/one -> ${A}/lib/y/one`,
  ]);
});

test('the lower priority number wins, then the name of the store path, then its hash', () => {
  const tree = { bin: folder({ same: file() }) };
  const winner = (...outputs: [StorePath, number][]): string | undefined => {
    const node = planLinks(outputs.map(([path, priority]) => outputOf(path, tree, priority))).get('bin/same');
    return node?.kind === 'link' ? node.target.replace('/bin/same', '') : undefined;
  };
  const [early, late] = [storePath('tool-1', '1'), storePath('tool-1', '2')];
  assert.equal(winner([A, 5], [B, 4]), B);
  assert.equal(winner([A, 5], [B, -10]), B);
  assert.equal(winner([A, 5], [B, 4.5]), B);
  // The name is what follows the hash: by the whole path, the later one would be first.
  assert.equal(winner([storePath('z', '0'), 5], [storePath('b', '9'), 5]), storePath('b', '9'));
  assert.equal(winner([late, 5], [early, 5]), early);
  assert.equal(winner([late, 5], [A, 6], [early, 5]), early);
});

test('a link to a folder of the same output counts as the folder, at any depth', () => {
  for (const target of ['bin', './bin/', 'lib/../bin', 'again', `${A}/bin`]) {
    const plan = planLinks([
      outputA({ bin: folder({ a: file() }), lib: folder(), again: link('bin'), sbin: link(target) }),
      outputB({ sbin: folder({ b: file() }) }),
    ]);
    assert.deepEqual(
      shown(plan).filter(line => line.startsWith('sbin')),
      ['sbin/', `sbin/a -> ${A}/sbin/a`, `sbin/b -> ${B}/sbin/b`],
      target,
    );
  }
  const deep = planLinks([
    outputA({ share: folder({ man: link('../man') }), man: folder({ man1: folder({ 'a.1': file() }) }) }),
  ]);
  assert.equal(shown(deep).at(-1), `share/man/man1/a.1 -> ${A}/share/man/man1/a.1`);
  const absolute = planLinks([
    outputA({ share: folder({ man: link(`${A}/man`) }), man: folder({ x: file() }) }),
  ]);
  assert.equal(shown(absolute).at(-1), `share/man/x -> ${A}/share/man/x`);
});

test('below a followed link no other is followed, however deep', () => {
  const plan = planLinks([
    outputA({
      x: link('y'),
      y: folder({ sub: folder({ l: link('../../z') }) }),
      z: folder({ file: file() }),
    }),
  ]);
  assert.equal(plan.get('y/sub/l')?.kind, 'directory');
  assert.equal(plan.get('x/sub/l')?.kind, 'link');
});

test('other links are linked as they are', () => {
  for (const target of [
    B, // another output
    `${A}-more/lib`, // one whose path begins the same
    '../../bin', // above the output, though a folder of that name is in it
    `${A}/../bin`,
    '../lib', // the folder it lies in, by a way round
    '.', // the folder it lies in
    '..',
    'self', // itself, in circles
    'nothing',
    'program', // a file
    'program/..',
    '../../etc',
  ]) {
    const plan = planLinks([
      outputA({
        lib: folder({ x: link(target), self: link('self'), program: file() }),
        bin: folder(),
        '-more': folder({ lib: folder() }),
      }),
    ]);
    assert.equal(plan.get('lib/x')?.kind, 'link', target);
  }
});

test('a way of links has an end, however they lead to each other', () => {
  const wide = Object.fromEntries(
    Array.from({ length: 30 }, (_, n) => [
      `d${n}`,
      folder({ l: link(`../d${n + 1}`), m: link(`../d${n + 1}`) }),
    ]),
  );
  const plan = planLinks([outputA({ top: folder(wide) })]);
  // Each of the 30 folders has two links; a followed one shows the next folder, whose own are not followed.
  assert.equal(plan.size, 1 + 30 + 2 * 29 + 2 * 29 * 2 + 2);
  const chain = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`l${n}`, link(`l${n + 1}`)]));
  const followed = planLinks([outputA({ ...chain, l50: folder() })]);
  assert.ok(followed.has('l10'), '40 links are followed');
  assert.ok(!followed.has('l9'), '41 are not');
});

test('a link whose way has thousands of names is linked as it is', () => {
  const way = (length: number): string => 'a/../'.repeat(length);
  const tree = { a: folder(), far: link(`${way(100)}a`), farther: link(`${way(800)}a`) };
  const plan = planLinks([outputA({ lib: folder(tree) })]);
  assert.deepEqual([plan.get('lib/far')?.kind, plan.get('lib/farther')?.kind], ['directory', 'link']);
});

test('a package whose links lead to ever more of them is refused', () => {
  const full = folder(Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`file${n}`, file()])));
  const links = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`link${n}`, link('full')]));
  const output = outputA({ share: folder({ full, ...links }) });
  const all = 1 + 11 * (1 + 10);
  assert.equal(planLinks([output], all).size, all);
  assert.throws(() => planLinks([output], all - 1), PermanentError);
});

const names = fc.constantFrom('a', 'b', 'bin', 'etc');
const { tree } = fc.letrec<{ tree: Tree; node: TreeNode }>(tie => ({
  tree: fc.dictionary(names, tie('node'), { maxKeys: 4, noNullPrototype: true }),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant(file()),
    fc.constantFrom('a', '../a', 'bin', '../bin/b', '..', '/x', `${A}/a`).map(link),
    tie('tree').map(folder),
  ),
}));

test('whatever the outputs: their order does not matter, and what holds a name is a folder', () => {
  const outputs = fc.array(fc.tuple(names, fc.constantFrom('a', 'b', 'c'), fc.integer(), tree), {
    maxLength: 4,
  });
  const users = fc.constantFrom('root' as const, 'nonroot' as const);
  fc.assert(
    fc.property(outputs, users, (list, user) => {
      const read = list.map(([name, digit, priority, content], index) =>
        outputOf(storePath(`${name}${index}`, digit), content, priority),
      );
      const plan = planLinks(read);
      addRootFiles(plan, user);
      const again = planLinks(read.toReversed());
      addRootFiles(again, user);
      assert.deepEqual(shown(again), shown(plan));
      for (const path of plan.keys()) {
        if (path.includes('/')) {
          assert.equal(plan.get(path.slice(0, path.lastIndexOf('/')))?.kind, 'directory', path);
        }
      }
    }),
  );
});
