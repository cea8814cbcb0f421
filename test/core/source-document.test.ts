import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { PackageSource } from '#core/package-source.ts';
import {
  ASK_AGAIN_MS,
  EARLIER_LIMIT,
  isFresh,
  isPinned,
  keepsRevisions,
  resolvedAt,
  shouldAsk,
  sourceKey,
  type SourceDocument,
} from '#core/source-document.ts';
import { packageSource, tag } from './arbitraries.ts';

const T = 1_800_000_000_000;
const git: PackageSource = { kind: 'git', url: 'https://example.org/set' };
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

function document(more: Partial<SourceDocument>): SourceDocument {
  return { source: git, ref: 'main', ...more };
}

test('the key of a source is one for each source and ref', () => {
  const asked = fc.record({ source: packageSource, ref: tag }, { noNullPrototype: true });
  fc.assert(
    fc.property(asked, asked, (one, other) => {
      const isSame = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(sourceKey(one) === sourceKey(other), isSame);
      assert.equal(sourceKey(structuredClone(one)), sourceKey(one));
    }),
  );
});

test('the key of a source does not change from release to release', () => {
  assert.equal(
    sourceKey({ source: git, ref: 'main' }),
    'db871e9f63afcb6ffe295700908370db4afe633e14d5af28e49f23c6667753c6',
  );
});

test('a look is gone by until it is old', () => {
  assert.equal(isFresh(undefined, T, 1e9), false);
  assert.equal(isFresh({ checkedAt: T }, T, 1), true);
  assert.equal(isFresh({ checkedAt: T }, T + 999, 1000), true);
  assert.equal(isFresh({ checkedAt: T }, T + 1000, 1000), false);
  assert.equal(isFresh({ checkedAt: T }, T, 0), false);
});

test('a worker is asked to look once, and again when nobody answers', () => {
  assert.equal(shouldAsk(undefined, T), true);
  assert.equal(shouldAsk(document({}), T), true);
  assert.equal(shouldAsk(document({ askedAt: T }), T), false);
  assert.equal(shouldAsk(document({ askedAt: T }), T + ASK_AGAIN_MS), false);
  assert.equal(shouldAsk(document({ askedAt: T }), T + ASK_AGAIN_MS + 1), true);
});

describe('what is known after a look', () => {
  const found = (revision: string) => ({ revision, gitRef: `refs/heads/${revision}` });
  const first = resolvedAt(undefined, found('r1'), T);

  test('is where the source stands, and since when that is known', () => {
    assert.deepEqual(first, { ...found('r1'), checkedAt: T, earlier: [] });
    assert.deepEqual(
      resolvedAt(document({ askedAt: T }), found('r1'), T),
      first,
      'asked for, never answered',
    );
  });

  test('is confirmed by one that finds the same', () => {
    const again = resolvedAt(document({ resolved: first }), found('r1'), T + 5);
    assert.deepEqual(again, { ...first, checkedAt: T + 5 });
  });

  test('remembers what the source left, and when, the latest first', () => {
    let resolved = first;
    for (const [i, revision] of ['r2', 'r2', 'r1', 'r3'].entries()) {
      resolved = resolvedAt(document({ resolved }), found(revision), T + 1 + i);
    }
    assert.deepEqual(resolved, {
      ...found('r3'),
      checkedAt: T + 4,
      earlier: [
        { revision: 'r1', leftAt: T + 4 },
        { revision: 'r2', leftAt: T + 3 },
        { revision: 'r1', leftAt: T + 1 },
      ],
    });
  });

  test('is bounded', () => {
    let resolved = first;
    for (let i = 0; i < EARLIER_LIMIT + 5; i++)
      resolved = resolvedAt(document({ resolved }), found(`m${i}`), T + i);
    assert.equal(resolved.earlier.length, EARLIER_LIMIT);
    assert.equal(resolved.earlier[0]?.revision, `m${EARLIER_LIMIT + 3}`);
  });
});

test('a commit is pinned, in a channel by its name, in a flake by its reference, and in git by the ref', () => {
  const rows: readonly [source: PackageSource, ref: string, pinned: boolean][] = [
    [{ kind: 'channel', name: COMMIT }, 'latest', true],
    [{ kind: 'channel', name: 'nixos-26.05' }, 'latest', false],
    [{ kind: 'channel', name: 'nixos-26.05' }, COMMIT, false],
    [git, COMMIT, true],
    [git, 'main', false],
    [git, COMMIT.slice(1), false],
    [git, `${COMMIT}0`, false],
    [git, COMMIT.toUpperCase(), false],
    [{ kind: 'flake', reference: `github:NixOS/nixpkgs/${COMMIT}` }, 'latest', true],
    [{ kind: 'flake', reference: `git+https://example.org/x?rev=${COMMIT}` }, 'latest', true],
    [{ kind: 'flake', reference: 'github:NixOS/nixpkgs/nixos-26.05' }, 'latest', false],
    [{ kind: 'flake', reference: `path:/srv/${COMMIT}` }, 'latest', false],
    [{ kind: 'path', folder: `/srv/${COMMIT}` }, COMMIT, false],
    [{ kind: 'debian' }, 'latest', false],
  ];
  for (const [source, ref, pinned] of rows)
    assert.equal(isPinned({ source, ref }), pinned, JSON.stringify([source, ref]));
});

test('a folder does not keep its revisions, whoever reads it; what has a history does', () => {
  const rows: readonly [source: PackageSource, keeps: boolean][] = [
    [{ kind: 'channel', name: 'nixos-26.05' }, true],
    [git, true],
    [{ kind: 'flake', reference: 'github:NixOS/nixpkgs' }, true],
    [{ kind: 'flake', reference: 'path:/srv/set' }, false],
    [{ kind: 'flake', reference: 'git+file:///srv/set' }, false],
    [{ kind: 'path', folder: '/srv/set' }, false],
    [{ kind: 'debian' }, false],
  ];
  for (const [source, keeps] of rows) assert.equal(keepsRevisions(source), keeps, JSON.stringify(source));
});
