import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, percentile, spread } from './statistics.ts';

test('the median is in the middle, or between the two that are', () => {
  assert.equal(median([9, 1, 100]), 9);
  assert.equal(median([10, 1, 2, 100]), 6);
  assert.equal(median([7]), 7);
});

test('a percentile lies between its neighbours by how far it is from each', () => {
  const hundredAndOne = Array.from({ length: 101 }, (_, index) => 100 - index);
  assert.equal(percentile(hundredAndOne, 99), 99);
  assert.equal(percentile([0, 10], 99), 9.9);
  assert.equal(percentile([3, 1, 2], 100), 3);
});

test('percentiles rise, within the values, whatever their order', () => {
  const values = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.nat(100), fc.nat(100), (some, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      // Interpolation rounds.
      assert.ok(percentile(some, low) <= percentile(some.toReversed(), high) + 1e-6);
      assert.ok(percentile(some, high) <= Math.max(...some) + 1e-6);
    }),
  );
});

test('the spread is a part of the median', () => {
  assert.equal(spread([10, 8, 13]), 0.5);
  assert.equal(spread([5]), 0);
});

test('of nothing there is no median', () => {
  assert.throws(() => median([]), /no values/);
});
