import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { dependencyGraph } from '#core/dependency-graph.ts';
import { TransientError } from '#core/errors.ts';
import type { StorePath } from '#core/store-path.ts';
import { storePath } from '#test/worker/pack/trees.ts';
import type { BinaryCache } from '#worker/binary-cache/binary-cache.ts';
import { knownGraph } from '#worker/snapshot/known-graph.ts';

const never = new AbortController().signal;

const pathOf = (index: number): StorePath => storePath(`p${index}`);

/** A cache that has the paths of these numbers, each with the numbers of what it refers to. */
function cacheOf(known: ReadonlyMap<number, readonly number[]>): BinaryCache {
  const narinfos = new Map(
    [...known].map(([index, references]) => {
      const path = pathOf(index);
      return [path, { path, narSize: index, references: references.map(pathOf) }] as const;
    }),
  );
  return { address: 'test', narinfo: path => Promise.resolve(narinfos.get(path)) };
}

async function namesOf(caches: readonly BinaryCache[], roots: readonly number[]): Promise<string[]> {
  const { nodes, unanswered } = await knownGraph(caches, roots.map(pathOf), never);
  assert.equal(unanswered, 0);
  // The planner takes it: closed under references, without circles, each path once.
  dependencyGraph(nodes);
  return nodes.map(({ path }) => path).toSorted();
}

/** References that may be anything, of paths that the cache may not have: circles and gaps among them. */
const anyReferences = fc
  .uniqueArray(fc.tuple(fc.nat(12), fc.uniqueArray(fc.nat(12), { maxLength: 3 })), {
    selector: ([index]) => index,
    maxLength: 13,
  })
  .map(entries => new Map(entries.map(([index, all]) => [index, all.filter(other => other !== index)])));

describe('the graph that caches know', () => {
  test('has what the roots need, as far as all of that is known', () => {
    /** Whether all that a path needs is known, and not the path itself. */
    function isWhole(
      known: ReadonlyMap<number, readonly number[]>,
      index: number,
      above: readonly number[],
    ): boolean {
      const references = known.get(index);
      if (references === undefined || above.includes(index)) return false;
      return references.every(reference => isWhole(known, reference, [...above, index]));
    }
    function reached(known: ReadonlyMap<number, readonly number[]>, roots: readonly number[]): Set<number> {
      const all = new Set(roots);
      for (const index of all) for (const reference of known.get(index) ?? []) all.add(reference);
      return all;
    }
    const roots = fc.uniqueArray(fc.nat(12), { maxLength: 5 });
    return fc.assert(
      fc.asyncProperty(anyReferences, roots, async (known, asked) => {
        const expected = [...reached(known, asked)].filter(index => isWhole(known, index, []));
        assert.deepEqual(await namesOf([cacheOf(known)], asked), expected.map(pathOf).toSorted());
      }),
    );
  });

  test('may lie in several caches', async () => {
    const first = cacheOf(new Map([[1, [2]]]));
    const second = cacheOf(new Map([[2, [3]], [3, []], [1, [9]]])); // prettier-ignore
    assert.deepEqual(await namesOf([first, second], [1]), [1, 2, 3].map(pathOf));
    assert.deepEqual(await namesOf([], [1]), []);
  });

  test('is deep without an end of the stack, and each path is asked for once', async () => {
    const asked: StorePath[] = [];
    const chain = cacheOf(
      new Map(Array.from({ length: 20_000 }, (_, index) => [index, index > 0 ? [index - 1] : []])),
    );
    const counted = {
      ...chain,
      narinfo: (path: StorePath) => (asked.push(path), chain.narinfo(path, never)),
    };
    const { nodes } = await knownGraph([counted], [19_999, 10_000].map(pathOf), never);
    assert.equal(nodes.length, 20_000);
    assert.equal(asked.length, 20_000);
  });

  test('is asked for in bounds', async () => {
    let open = 0;
    let most = 0;
    const wide = cacheOf(new Map(Array.from({ length: 500 }, (_, index) => [index, []])));
    const slow: BinaryCache = {
      address: 'slow',
      async narinfo(path, signal) {
        most = Math.max(most, (open += 1));
        await new Promise(setImmediate);
        open -= 1;
        return wide.narinfo(path, signal);
      },
    };
    const { nodes } = await knownGraph(
      [slow],
      Array.from({ length: 500 }, (_, index) => pathOf(index)),
      never,
    );
    assert.equal(nodes.length, 500);
    assert.ok(most > 1 && most <= 64, `${most}`);
  });
});

describe('a cache that does not answer', () => {
  const down: BinaryCache = {
    address: 'down',
    narinfo: () => Promise.reject(new TransientError('it does not answer')),
  };
  const leaves = (count: number) => new Map(Array.from({ length: count }, (_, index) => [index, []]));

  test('is passed over where another knows', async () => {
    assert.deepEqual(await namesOf([down, cacheOf(new Map([[1, []]]))], [1]), [pathOf(1)]);
  });

  test('leaves questions open', async () => {
    const known = await knownGraph([cacheOf(leaves(3)), down], [1, 2, 7].map(pathOf), never);
    assert.equal(known.unanswered, 1);
    assert.deepEqual(known.nodes.map(({ path }) => path), [1, 2].map(pathOf)); // prettier-ignore
  });

  test('is given up when it has left many open', async () => {
    const roots = Array.from({ length: 1000 }, (_, index) => pathOf(index));
    await assert.rejects(knownGraph([down], roots, never), TransientError);
  });
});
