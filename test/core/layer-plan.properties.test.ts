// What holds of the layers of every image, whatever the package set.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { GraphNode } from '#core/dependency-graph.ts';
import { planLayers, type LayerGroup } from '#core/layer-plan.ts';
import { makeSnapshot } from '#core/layer-snapshot.ts';
import type { StorePath } from '#core/store-path.ts';
import { closureOf, packageSet, shuffled, type PackageSet } from './layer-arbitraries.ts';

/** More than there are paths. */
const NO_LIMIT = 1000;

interface Asked extends PackageSet {
  readonly requested: readonly StorePath[];
}

/** Some paths that the snapshot was not told of are asked for as well. */
const asked: fc.Arbitrary<Asked> = packageSet.chain(set =>
  fc.subarray(set.nodes.map(({ path }) => path)).map(requested => ({ ...set, requested })),
);

function planOf({ nodes, known, requested }: Asked, budget = NO_LIMIT): LayerGroup[] {
  return planLayers(closureOf(nodes, requested), { snapshot: makeSnapshot(nodes, known), requested, budget });
}

const pathsOf = ({ nodes }: LayerGroup): StorePath[] => nodes.map(({ path }) => path);

/** By anchor, the paths of each bundle of the snapshot. */
function bundlesOf({ nodes, known }: PackageSet): Map<StorePath, StorePath[]> {
  const { bundles } = makeSnapshot(nodes, known);
  const members = Map.groupBy(bundles, ([, { anchor }]) => anchor);
  return new Map([...members].map(([anchor, all]) => [anchor, all.map(([path]) => path).toSorted()]));
}

describe('the layers of an image', () => {
  test('have each of its paths once, within any budget', () => {
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 12 }), (image, budget) => {
        const plan = planOf(image, budget);
        assert.ok(plan.length <= budget);
        assert.ok(plan.every(({ nodes }) => nodes.length > 0));
        const expected = closureOf(image.nodes, image.requested).map(({ path }) => path);
        assert.deepEqual(plan.flatMap(pathsOf).toSorted(), expected.toSorted());
      }),
    );
  });

  test('are as many as the budget allows, where there are more groups', () => {
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 12 }), (image, budget) => {
        assert.equal(planOf(image, budget).length, Math.min(planOf(image).length, budget));
      }),
    );
  });

  test('are whole bundles of the snapshot in every image that has the anchor', () => {
    fc.assert(
      fc.property(asked, image => {
        const { nodes, requested } = image;
        const here = new Set(closureOf(nodes, requested).map(({ path }) => path));
        const expected = [...bundlesOf(image)].filter(([anchor]) => here.has(anchor));
        const planned = planOf(image).filter(({ reason }) => reason === 'bundle');
        assert.deepEqual(
          planned.map(group => pathsOf(group).toSorted().join()).toSorted(),
          expected.map(([, members]) => members.join()).toSorted(),
        );
      }),
    );
  });

  test('stay the same bundles when a package is added; only what no anchor holds moves', () => {
    const more = asked.chain(image =>
      fc
        .constantFrom(...image.nodes)
        .map(({ path }) => [image, { ...image, requested: [...image.requested, path] }] as const),
    );
    fc.assert(
      fc.property(more, ([image, larger]) => {
        const after = planOf(larger).map(group => pathsOf(group).join());
        for (const group of planOf(image)) {
          if (group.reason === 'bundle') assert.ok(after.includes(pathsOf(group).join()));
        }
      }),
    );
  });

  test('lie in one order in all images, by how many have them', () => {
    const two = asked.chain(image =>
      fc
        .subarray(image.nodes.map(({ path }) => path))
        .map(requested => [image, { ...image, requested }] as const),
    );
    fc.assert(
      fc.property(two, ([image, other]) => {
        const [mine, others] = [image, other].map(each =>
          planOf(each).flatMap(group => (group.reason === 'bundle' ? [pathsOf(group).join()] : [])),
        );
        assert.deepEqual(
          mine?.filter(bundle => others?.includes(bundle)),
          others?.filter(bundle => mine?.includes(bundle)),
        );
        const shares = planOf(image).map(({ share }) => share);
        assert.deepEqual(
          shares,
          shares.toSorted((a, b) => b - a),
        );
      }),
    );
  });

  test('N14: and what the snapshot holds do not depend on any order, and nothing is changed', () => {
    const reordered = asked.chain(image =>
      fc
        .tuple(
          fc.tuple(...image.nodes.map(withOtherOrder)).chain(shuffled),
          shuffled(image.known.roots),
          shuffled(image.requested),
        )
        .map(([nodes, roots, requested]) => ({
          image,
          other: { nodes, known: { ...image.known, roots }, requested },
        })),
    );
    fc.assert(
      fc.property(reordered, fc.integer({ min: 1, max: 12 }), ({ image, other }, budget) => {
        const before = structuredClone(image);
        const told = (plan: readonly LayerGroup[]): unknown[] =>
          plan.map(group => [group.reason, group.share, pathsOf(group)]);
        assert.deepEqual(told(planOf(other, budget)), told(planOf(image, budget)));
        assert.deepEqual(
          makeSnapshot(other.nodes, other.known).id,
          makeSnapshot(image.nodes, image.known).id,
        );
        assert.deepEqual(image, before);
      }),
    );
  });
});

function withOtherOrder(node: GraphNode): fc.Arbitrary<GraphNode> {
  return shuffled(node.references).map(references => ({ ...node, references }));
}
