import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { redeliveryDelay } from '#local/pubsub/redelivery-delay.ts';

const policies = fc
  .tuple(fc.integer({ min: 0, max: 600_000 }), fc.integer({ min: 0, max: 600_000 }))
  .map(([a, b]) => ({ minimumMilliseconds: Math.min(a, b), maximumMilliseconds: Math.max(a, b) }));

test('the delay starts at the minimum, never shrinks, and stays within the policy', () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 5000 }), (retry, attempts) => {
      const settings = { retry, pushEndpoint: null };
      const delay = redeliveryDelay(settings, attempts);
      assert.equal(redeliveryDelay(settings, 1), retry.minimumMilliseconds);
      assert.ok(delay >= retry.minimumMilliseconds && delay <= retry.maximumMilliseconds);
      assert.ok(redeliveryDelay(settings, attempts + 1) >= delay);
    }),
  );
});

test('without a policy a pulled message is ready at once, a pushed one waits 100 ms to 60 s', () => {
  assert.equal(redeliveryDelay({ retry: null, pushEndpoint: null }, 7), 0);
  const push = { retry: null, pushEndpoint: 'http://127.0.0.1/' };
  assert.equal(redeliveryDelay(push, 1), 100);
  assert.equal(redeliveryDelay(push, 2), 200);
  assert.equal(redeliveryDelay(push, 100), 60_000);
});
