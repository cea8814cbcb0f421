import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeLinks, describePaths } from '#worker/image/history.ts';
import { storePath } from '#test/worker/pack/trees.ts';

const many = (count: number) => Array.from({ length: count }, (_, n) => storePath(`p${n}`));

test('a layer is described by its store paths, the name of the first one before all', () => {
  const [perl, zlib] = [storePath('perl-5.36'), storePath('zlib-1.3')];
  assert.equal(describePaths([perl]), `perl-5.36: ${perl}`);
  assert.equal(describePaths([perl, zlib]), `perl-5.36 and 1 more: ${perl} ${zlib}`);
  assert.equal(describeLinks([perl, zlib]), `the root, with links into: ${perl} ${zlib}`);
});

test('of very many, the first are named, and how many more there are', () => {
  const described = describePaths(many(1253));
  assert.match(described, /^p0 and 1,252 more: \/nix\//);
  assert.match(described, /-p49 and 1,203 more$/);
  assert.match(describePaths(many(1_000_051)), / and 1,000,001 more$/);
  assert.match(describePaths(many(50)), /-p49$/);
  assert.match(describeLinks(many(51)), /-p49 and 1 more$/);
});

test('the history of as many layers as there may be stays small, however long the names', () => {
  const long = Array.from({ length: 5000 }, (_, n) => storePath(`${n}`.padStart(211, 'x')));
  assert.ok(121 * describePaths(long).length < 2 << 20);
});
