import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { dependencyGraph, type GraphNode } from '#core/dependency-graph.ts';
import { ANCHOR_CONSTANTS, assignAnchors } from '#core/layer-anchors.ts';
import { demandOfImages, type Demand } from '#core/layer-demand.ts';
import {
  EMPTY_SNAPSHOT,
  makeSnapshot,
  readSnapshot,
  storedSnapshot,
  storedSnapshotSchema,
} from '#core/layer-snapshot.ts';
import { parseStorePath, storePathName, type StorePath } from '#core/store-path.ts';
import { closureOf, packageSet, shuffled } from './layer-arbitraries.ts';

const path = (name: string, hash = '0'): StorePath => parseStorePath(`/nix/store/${hash.repeat(32)}-${name}`);

const node = (name: string, narSize: number, ...references: string[]): GraphNode => ({
  path: path(name),
  narSize,
  references: references.map(each => path(each)),
});

/** The name of the anchor that each path has. */
function anchors(
  nodes: readonly GraphNode[],
  images: readonly (readonly string[])[],
): Record<string, string> {
  const known = demandOfImages(
    images.map(image =>
      closureOf(
        nodes,
        image.map(name => path(name)),
      ).map(each => each.path),
    ),
  );
  const { bundles } = makeSnapshot(nodes, known);
  return Object.fromEntries(
    [...bundles].map(([each, { anchor }]) => [storePathName(each), storePathName(anchor)]),
  );
}

const times = <T>(number: number, value: T): T[] => Array.from({ length: number }, () => value);

describe('an anchor', () => {
  const set = [node('lib', 300_000), node('a', 10, 'lib'), node('b', 10, 'lib')];

  test('is the dependent that leaves out least, where less is wasted than a layer is worth', () => {
    // 100,000 bytes compressed, three quarters of them at most without need.
    assert.deepEqual(anchors(set, [['a'], ['b'], ['b'], ['b']]), { a: 'a', b: 'b', lib: 'b' });
    const larger = set.with(0, node('lib', 30_000_000));
    assert.deepEqual(anchors(larger, [['a'], ['b'], ['b'], ['b']]), { a: 'a', b: 'b', lib: 'lib' });
    assert.deepEqual(anchors(larger, times(3, ['b'])), { b: 'b', lib: 'b' });
  });

  test('goes by the size that a binary cache has, where it is known', () => {
    const [lib, ...others] = set;
    assert.ok(lib !== undefined);
    const rarely: Demand = {
      images: 10,
      counts: new Map([
        [lib.path, 10],
        [path('a'), 5],
      ]),
    };
    const small = makeSnapshot([{ ...lib, fileSize: 1000 }, ...others], rarely).bundles.get(lib.path);
    const large = makeSnapshot([{ ...lib, fileSize: 1_000_000 }, ...others], rarely).bundles.get(lib.path);
    assert.deepEqual([small?.anchor, large?.anchor], [path('a'), lib.path]);
  });

  test('is the one whose name sorts first, of two that are as good', () => {
    assert.equal(anchors(set, [['a', 'b']])['lib'], 'a');
  });

  test('is not one that changes much more often', () => {
    const many = Array.from({ length: 60 }, (_, i) => node(`part${i}`, 10));
    const tool = node('tool', 10, 'lib', ...many.map(each => storePathName(each.path)));
    assert.equal(anchors([...set, ...many, tool], [['tool']])['lib'], 'tool');
    const large = [node('lib', 3_000_000), tool, ...many];
    assert.equal(anchors(large, [['tool']])['lib'], 'lib');
  });
});

test('anchors of a long row of paths are found without going through the row for each', () => {
  const length = 2000;
  const row = Array.from({ length }, (_, i) =>
    node(`part${i}`, 10, ...(i + 1 < length ? [`part${i + 1}`] : [])),
  );
  const graph = dependencyGraph(row);
  let steps = 0;
  const dependencies = new Proxy(graph.dependencies, {
    get: (target, key, receiver): unknown => {
      steps += 1;
      return Reflect.get(target, key, receiver);
    },
  });
  const counts = new Map(row.map(each => [each.path, 1]));
  const found = assignAnchors({ ...graph, dependencies }, { counts }, { ...ANCHOR_CONSTANTS, churn: 0.5 });
  assert.deepEqual(new Set(found.values()), new Set([path('part0')]));
  assert.ok(steps < 10 * length, `${steps} steps`);
});

describe('what is known without history', () => {
  const set = [
    node('libc', 60_000_000),
    node('bash', 9_000_000, 'libc'),
    node('certificates', 900_000),
    node('a', 10, 'libc'),
  ];

  test('counts what can be asked for, and credits what all images and shells have', () => {
    const { images, bundles } = makeSnapshot(set, {
      roots: [path('a'), path('bash'), path('bash'), path('unknown')],
      inEvery: [path('certificates')],
      inShells: [path('bash')],
    });
    assert.equal(images, 2);
    const counts = [...bundles.values()].map(({ anchor, count }) => [storePathName(anchor), count]);
    assert.deepEqual(Object.fromEntries(counts), { libc: 2, bash: 1.6, certificates: 2, a: 1 });
  });
});

describe('a snapshot', () => {
  test('is the same again once it was stored, and of the same id', () => {
    fc.assert(
      fc.property(packageSet, ({ nodes, known }) => {
        const snapshot = makeSnapshot(nodes, known);
        const stored: unknown = JSON.parse(JSON.stringify(storedSnapshot(snapshot)));
        assert.deepEqual(readSnapshot(storedSnapshotSchema.parse(stored)), snapshot);
      }),
    );
  });

  test('has one id, in whatever order it is told, and another when anything in it changes', () => {
    const stored = storedSnapshotSchema.parse({
      format: 1,
      images: 4,
      bundles: [
        [path('a'), 2, [path('c'), path('d')]],
        [path('b'), 3, []],
      ],
    });
    const { id } = readSnapshot(stored);
    fc.assert(
      fc.property(shuffled(stored.bundles), bundles => {
        assert.equal(readSnapshot({ ...stored, bundles }).id, id);
      }),
    );
    const [first, second] = stored.bundles;
    assert.ok(first !== undefined && second !== undefined);
    const others = [
      { ...stored, images: 5 },
      { ...stored, bundles: [first] },
      { ...stored, bundles: [first, second.with(1, 4)] },
      { ...stored, bundles: [second, [path('a'), 2, [path('c')]]] },
      { ...stored, bundles: [second, [path('c'), 2, [path('a'), path('d')]]] },
    ];
    const ids = others.map(each => readSnapshot(storedSnapshotSchema.parse(each)).id);
    assert.equal(new Set([id, ...ids]).size, others.length + 1);
  });

  test('knows only paths that an image may have', () => {
    const set = [node('lib', 10), node('a', 10, 'lib'), node('b', 10, 'lib')];
    const { bundles } = makeSnapshot(set, { roots: [path('a')], inEvery: [], inShells: [] });
    assert.deepEqual([...bundles.keys()].toSorted(), [path('a'), path('lib')]);
    assert.equal(EMPTY_SNAPSHOT.bundles.size, 0);
  });

  test('is refused where a path is in two bundles', () => {
    const bundles = [
      [path('a'), 1, [path('c')]],
      [path('b'), 1, [path('c')]],
    ];
    const stored = storedSnapshotSchema.parse({ format: 1, images: 1, bundles });
    assert.throws(() => readSnapshot(stored), /has \S+-c in two bundles/);
  });

  test('is made of a whole graph only', () => {
    const prior = { roots: [], inEvery: [], inShells: [] };
    assert.throws(
      () => makeSnapshot([node('a', 1, 'b')], prior),
      /refers to \S+-b, which is not in its graph/,
    );
    assert.throws(() => makeSnapshot([node('a', 1), node('a', 1)], prior), /twice/);
  });
});
