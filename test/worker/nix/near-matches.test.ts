import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { nearMatches } from '#worker/nix/near-matches.ts';

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
];

const cases: readonly [name: string, near: string[]][] = [
  ['gti', ['git']],
  ['gitt', ['git']],
  ['gitlfs', ['git-lfs']],
  ['bashinteractiv', ['bashinteractive']],
  ['postgres', ['postgresql']],
  ['python', ['python3']],
  ['7z', ['7zz']],
  // What no image can be called is no advice.
  ['gtk', []],
  ['x', []],
  ['', []],
  ['something-else', []],
];
for (const [name, near] of cases) {
  test(`${name}: ${near.join(', ') || 'none'}`, () => assert.deepEqual(nearMatches(name, '', NAMES), near));
}

test('in a nested set the advice is a whole name', () => {
  assert.deepEqual(nearMatches('python3packages.requets', 'python3Packages', ['requests', 'Rx', 'six']), [
    'python3packages.requests',
  ]);
});

test('at most three, the nearest first, whatever the order of names', () => {
  const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(name, fc.array(name), (wanted, names) => {
      const near = nearMatches(wanted, '', names);
      assert.ok(near.length <= 3);
      assert.ok(near.every(match => names.includes(match)));
      assert.deepEqual(nearMatches(wanted, '', names.toReversed()), near);
      if (names.includes(wanted)) assert.equal(near[0], wanted);
    }),
  );
});
