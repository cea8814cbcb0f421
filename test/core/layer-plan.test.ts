import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { ClosureNode } from '#core/closure.ts';
import { LAYER_BUDGET, planLayers } from '#core/layer-plan.ts';
import { parseStorePath } from '#core/store-path.ts';
import { closure } from './arbitraries.ts';

function node(name: string, narSize: number): ClosureNode {
  return {
    path: parseStorePath(`/nix/store/${'0'.repeat(32)}-${name}`),
    narHash: `sha256:${name}`,
    narSize,
    references: [],
  };
}

const names = (plan: ClosureNode[][]): string[][] =>
  plan.map(group => group.map(({ path }) => path.slice(44)));

const budget = fc.integer({ min: 1, max: 12 });

describe('layer plan', () => {
  test('gives the largest paths a layer each, and the rest one, in the order of their paths', () => {
    const nodes = [node('c', 1), node('big', 9), node('a', 3), node('b', 2), node('huge', 10)];
    assert.deepEqual(names(planLayers(nodes, 3)), [['huge'], ['big'], ['a', 'b', 'c']]);
    assert.deepEqual(names(planLayers(nodes, 5)), [['huge'], ['big'], ['a'], ['b'], ['c']]);
    assert.deepEqual(names(planLayers(nodes, 1)), [['a', 'b', 'big', 'c', 'huge']]);
    assert.deepEqual(planLayers([], 3), []);
  });

  test('leaves room for the layer of links below Docker’s limit of 127', () => {
    const many = Array.from({ length: 300 }, (_, i) => node(`p${i}`, i));
    assert.equal(planLayers(many).length, LAYER_BUDGET);
    assert.ok(LAYER_BUDGET + 1 <= 127);
  });

  test('has every path once, in no more layers than the budget', () => {
    fc.assert(
      fc.property(closure, budget, (nodes, limit) => {
        const plan = planLayers(nodes, limit);
        assert.equal(plan.length, Math.min(nodes.length, limit));
        assert.ok(plan.every(group => group.length > 0));
        assert.deepEqual(
          plan
            .flat()
            .map(({ path }) => path)
            .toSorted(),
          nodes.map(({ path }) => path).toSorted(),
        );
      }),
    );
  });

  test('puts nothing into the last layer that is larger than a layer of its own', () => {
    fc.assert(
      fc.property(closure, budget, (nodes, limit) => {
        const plan = planLayers(nodes, limit);
        const rest = plan.at(-1) ?? [];
        const singles = plan.slice(0, -1).flat();
        for (const single of singles) for (const small of rest) assert.ok(single.narSize >= small.narSize);
      }),
    );
  });

  test('does not depend on the order of the closure, and changes nothing in it', () => {
    const shuffled = closure.chain(nodes =>
      fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length })),
    );
    fc.assert(
      fc.property(shuffled, budget, ([nodes, others], limit) => {
        const before = [...nodes];
        Object.freeze(nodes);
        assert.deepEqual(planLayers(nodes, limit), planLayers(others, limit));
        assert.deepEqual(nodes, before);
      }),
    );
  });
});
