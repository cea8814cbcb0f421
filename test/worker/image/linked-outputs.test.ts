import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkedOutputs } from '#worker/image/linked-outputs.ts';
import { storePath } from '#test/worker/pack/trees.ts';
import { itemOf, nodeOf } from './items.ts';

const git = itemOf('git');
const openssl = itemOf('openssl', { priority: 10 });

test('outputs come in the order that settles conflicts, with what the closure knows of them', () => {
  const needed = nodeOf({ path: storePath('glibc') });
  assert.deepEqual(linkedOutputs([openssl, git], [needed, nodeOf(openssl), nodeOf(git)]), [
    { ...nodeOf(git), storePath: git.path, priority: 5 },
    { ...nodeOf(openssl), storePath: openssl.path, priority: 10 },
  ]);
});

test('an output under two names is there once, with the better of their priorities', () => {
  const low = { ...git, name: 'lowprio', attribute: 'lowprio', priority: 20 };
  for (const items of [
    [git, openssl, low],
    [low, openssl, git],
  ]) {
    const outputs = linkedOutputs(items, [nodeOf(git), nodeOf(openssl)]);
    assert.deepEqual(
      outputs.map(({ path, priority }) => [path, priority]),
      [
        [git.path, 5],
        [openssl.path, 10],
      ],
    );
  }
});

test('an output that is not in the closure is a mistake that shows', () => {
  assert.throws(() => linkedOutputs([git], []), /git is not in its own closure/);
});
