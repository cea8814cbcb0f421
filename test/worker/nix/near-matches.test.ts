import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createMatcher, sameLastComponent } from '#worker/nix/near-matches.ts';

const NAMES = [
  'git',
  'git-lfs',
  'gitui',
  'bashInteractive',
  '_7zz',
  'gtk+',
  'go',
  'postgresql',
  'nodejs',
  'python3',
  'Twin',
  'twin',
];

const cases: readonly [name: string, near: string[]][] = [
  ['gti', ['git']],
  ['gitt', ['git']],
  ['gitlfs', ['git-lfs']],
  ['bashinteractiv', ['bashinteractive']],
  ['postgres', ['postgresql']],
  ['python', ['python3']],
  ['7z', ['7zz']],
  ['gtk', ['gtk__2b']],
  ['gtk__2b4', ['gtk__2b']],
  ['twins', ['0__54win', 'twin']],
  ['x', []],
  ['', []],
  ['something-else', []],
];
const written = (matches: readonly { written: string }[]) => matches.map(match => match.written);
for (const [name, near] of cases) {
  test(`${name}: ${near.join(', ') || 'none'}`, () =>
    assert.deepEqual(written(createMatcher([], NAMES)(name)), near));
}

test('in a nested set the advice is a whole name, and what follows stays', () => {
  const matcher = createMatcher(['python3Packages'], ['requests', 'Rx', 'six', 'gtk+']);
  assert.deepEqual(matcher('python3packages.requets'), [
    { attribute: 'python3Packages.requests', written: 'python3packages.requests' },
  ]);
  assert.deepEqual(matcher('python3packages.gtk.out'), [
    { attribute: 'python3Packages.gtk+.out', written: 'python3packages.gtk__2b.out' },
  ]);
});

test('at most three, the nearest first, whatever the order of names', () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(name, fc.uniqueArray(name), (wanted, names) => {
      const near = written(createMatcher([], names)(wanted));
      assert.ok(near.length <= 3);
      assert.ok(near.every(match => names.includes(match)));
      assert.deepEqual(written(createMatcher([], names.toReversed())(wanted)), near);
      if (names.includes(wanted)) assert.equal(near[0], wanted);
    }),
  );
});

test('the same last component may be in sets that nixpkgs has, and outside of all', () => {
  const sets = ['xorg', 'python3Packages', 'hello'];
  assert.deepEqual(written(sameLastComponent('xev', sets)), ['xorg.xev', 'python3packages.xev']);
  assert.deepEqual(written(sameLastComponent('xorg.six', sets)), ['six', 'python3packages.six']);
  assert.deepEqual(sameLastComponent('xev', []), []);
});
