import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GraphNode } from '#core/dependency-graph.ts';
import { demandOfImages } from '#core/layer-demand.ts';
import { LAYER_BUDGET, planLayers, type LayerGroup, type PlanInput } from '#core/layer-plan.ts';
import { EMPTY_SNAPSHOT, makeSnapshot, type Snapshot } from '#core/layer-snapshot.ts';
import { parseStorePath, storePathName, type StorePath } from '#core/store-path.ts';

const MB = 1_000_000;

const path = (name: string): StorePath => parseStorePath(`/nix/store/${'0'.repeat(32)}-${name}`);

/** Paths of so many bytes by their names, and what they refer to. */
function graphOf(
  parts: Readonly<Record<string, readonly [size: number, ...references: string[]]>>,
): GraphNode[] {
  return Object.entries(parts).map(([name, [narSize, ...references]]) => ({
    path: path(name),
    narSize,
    references: references.map(path),
  }));
}

/** Each layer as the names in it, lowest first. */
const names = (plan: readonly LayerGroup[]): string[] =>
  plan.map(({ nodes }) => nodes.map(node => storePathName(node.path)).join(' '));

function planOf(
  nodes: readonly GraphNode[],
  requested: readonly string[],
  more: Partial<PlanInput> = {},
): LayerGroup[] {
  return planLayers(nodes, { snapshot: EMPTY_SNAPSHOT, requested: requested.map(path), ...more });
}

const set = graphOf({
  git: [30 * MB, 'perl', 'zlib', 'hooks'],
  hooks: [3000, 'libc'],
  hg: [20 * MB, 'python', 'zlib'],
  perl: [50 * MB, 'libc'],
  python: [60 * MB, 'zlib', 'libc'],
  zlib: [300_000, 'libc'],
  libc: [30 * MB],
});

const snapshot: Snapshot = makeSnapshot(set, {
  roots: ['git', 'hg', 'perl', 'python'].map(path),
  inEvery: [],
  inShells: [],
});

const closureOf = (...wanted: string[]): GraphNode[] => {
  const reached = new Set(wanted.map(path));
  for (const each of reached)
    for (const next of set.find(node => node.path === each)?.references ?? []) reached.add(next);
  return set.filter(node => reached.has(node.path));
};

describe('layers of paths that the snapshot knows', () => {
  test('are its bundles, with what most images have at the bottom', () => {
    const plan = planOf(closureOf('hg'), ['hg'], { snapshot });
    assert.deepEqual(names(plan), ['libc', 'python zlib', 'hg']);
    assert.deepEqual(
      plan.map(({ reason, share }) => [reason, share]),
      [
        ['bundle', 1],
        ['bundle', 0.5],
        ['bundle', 0.25],
      ],
    );
  });

  test('are one more, on top, where the anchor of some is not in the image', () => {
    const plan = planOf(closureOf('git'), ['git'], { snapshot });
    assert.deepEqual(names(plan), ['libc', 'perl', 'git hooks', 'zlib']);
    assert.deepEqual([plan.at(-1)?.reason, plan.at(-1)?.share], ['orphans', 0.125]);
  });

  test('are a layer for each such anchor, where those of one are as large as a layer is worth', () => {
    const parts = ['first', 'second', 'third', 'fourth'].map(name => [`${name}-data`, name] as const);
    const all = graphOf({
      // Every other image that has the data has the anchor: what is wasted by the few that do not is little.
      ...Object.fromEntries(parts.map(([data, name]) => [name, [100, data]] as const)),
      ...Object.fromEntries(parts.map(([data], i) => [data, [i < 2 ? 60_000 : 600_000]] as const)),
      tool: [100, ...parts.map(([data]) => data)],
    });
    const nodes = all.filter(({ path: each }) => /-(?:tool|.*-data)$/.test(each));
    const others = all.filter(({ path: each }) => !each.endsWith('-tool'));
    const images = [...Array.from({ length: 9 }, () => others), nodes];
    const known = demandOfImages(images.map(image => image.map(node => node.path)));
    const plan = planOf(nodes, ['tool'], { snapshot: makeSnapshot(all, known) });
    assert.deepEqual(names(plan), ['tool', 'first-data second-data', 'fourth-data', 'third-data']);
  });
});

describe('layers of paths that the snapshot does not know', () => {
  const outside = graphOf({
    tool: [5, 'lib', 'both'],
    other: [5, 'both', 'asked'],
    lib: [1, 'deep'],
    deep: [1],
    both: [1],
    asked: [1, 'behind'],
    behind: [1],
  });

  test('are those of each that was asked for or that nothing needs, and of those with the same owners', () => {
    const plan = planOf(outside, ['tool', 'asked']);
    assert.deepEqual(names(plan), ['asked behind', 'both', 'deep lib tool', 'other']);
    assert.ok(plan.every(({ reason }) => reason === 'outside'));
  });

  test('are a group each, with what only they need, where they are as large as a layer is worth', () => {
    const nodes = graphOf({ tool: [5, 'large', 'small'], large: [400_000, 'part'], small: [5], part: [5] });
    assert.deepEqual(names(planOf(nodes, ['tool'])), ['large part', 'small tool']);
  });

  test('lie above those of the snapshot, which are as in any other image', () => {
    const nodes = [...closureOf('hg'), ...graphOf({ mine: [9, 'hg', 'part'], part: [1, 'libc'] })];
    assert.deepEqual(names(planOf(nodes, ['mine'], { snapshot })), [
      'libc',
      'python zlib',
      'hg',
      'mine part',
    ]);
  });
});

describe('a layer plan', () => {
  const many = graphOf(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${1000 + i}`, [i]])));

  test('unites what is least worth sharing where there are more groups than layers', () => {
    const plan = planOf(many, []);
    assert.equal(plan.length, LAYER_BUDGET);
    const spill = plan.find(({ reason }) => reason === 'spill');
    assert.deepEqual(
      spill?.nodes.map(({ narSize }) => narSize),
      Array.from({ length: 300 - LAYER_BUDGET + 1 }, (_, size) => size),
    );
    assert.equal(spill.share, 0.25);
    const two = planOf(closureOf('hg'), ['hg'], { snapshot, budget: 2 });
    assert.deepEqual(names(two), ['hg libc', 'python zlib']);
    assert.deepEqual(names(planOf(closureOf('hg'), [], { snapshot, budget: 1 })), ['hg libc python zlib']);
  });

  test('keeps those whose names sort first, of groups that are worth the same', () => {
    const equal = graphOf({ b: [5], a: [5], c: [5] });
    for (const nodes of [equal, equal.toReversed()]) {
      assert.deepEqual(names(planOf(nodes, [], { budget: 2 })), ['a', 'b c']);
    }
  });

  test('leaves room for the layer of links below what Docker’s graph drivers stand', () => {
    assert.ok(LAYER_BUDGET + 1 < 122);
  });

  test('of nothing is nothing', () => {
    assert.deepEqual(planOf([], []), []);
  });

  test('is refused to a closure that lacks what it needs, and to a circle', () => {
    assert.throws(
      () => planOf(graphOf({ a: [1, 'b'] }), []),
      /-a refers to \S+-b, which is not in the closure/,
    );
    assert.throws(() => planOf(graphOf({ a: [1, 'b'], b: [1, 'a'] }), []), /in a circle/);
    assert.deepEqual(names(planOf(graphOf({ a: [1, 'a'] }), [])), ['a']);
  });
});
