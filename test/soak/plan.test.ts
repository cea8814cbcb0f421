import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOf } from '#test/random.ts';
import { planOf } from './plan.ts';

test('a plan is its seed’s', () => {
  assert.deepEqual(planOf(5, randomOf(7)), planOf(5, randomOf(7)));
  assert.notDeepEqual(planOf(5, randomOf(7)), planOf(5, randomOf(8)));
});

test('a plan has every kind of action, all of them within its time, in order', () => {
  const { actions, lastsMs } = planOf(5, randomOf(7));
  const kinds = new Set(actions.map(({ action }) => action.do));
  assert.equal(kinds.size, 12);
  assert.ok(actions.every(({ at }) => at >= 0 && at < lastsMs));
  assert.deepEqual(
    actions,
    actions.toSorted((one, other) => one.at - other.at),
  );
});

test('the elders are left alone once they are to grow old', () => {
  const { actions, lastsMs } = planOf(60, randomOf(7));
  for (const { at, action } of actions) {
    if (at < lastsMs * 0.3 || (action.do !== 'kill' && action.do !== 'freeze')) continue;
    assert.ok(action.program !== 'worker-1' && action.program !== 'registry-1');
  }
});
