import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hop } from '#functions/registry/hop.ts';
import { watchFirstRequests } from '#functions/registry/limits/first-requests.ts';

function hop(number: number, pull?: string): Hop {
  return { number, beganAt: 0, target: '/v2/hello/manifests/latest', ...(pull !== undefined && { pull }) };
}

test('a pull begins with the request that was not sent on, and goes on with each hop once', () => {
  const isFirst = watchFirstRequests();
  assert.equal(isFirst(hop(0)), true);
  assert.equal(isFirst(hop(0)), true);
  for (const pull of ['one', 'another']) {
    assert.equal(isFirst(hop(1, pull)), false);
    assert.equal(isFirst(hop(2, pull)), false);
    assert.equal(isFirst(hop(1, pull)), true, 'a hop that was used is no way around the count');
    assert.equal(isFirst(hop(2, pull)), true);
    assert.equal(isFirst(hop(3, pull)), false);
  }
});

test('hops that were used are remembered up to some number', () => {
  const isFirst = watchFirstRequests();
  isFirst(hop(1, 'first'));
  for (let count = 1; count < 20_000; count++) isFirst(hop(1, `pull-${count}`));
  assert.equal(isFirst(hop(1, 'first')), true);
  for (let count = 0; count < 20_000; count++) isFirst(hop(1, `other-${count}`));
  assert.equal(isFirst(hop(1, 'first')), false);
});
