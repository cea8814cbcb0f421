import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock, fromTimestamp, toTimestamp } from '#local/firestore/clock.ts';

test('no time comes twice, also when the wall clock stands still or steps back', t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
  const clock = new Clock();
  assert.deepEqual([clock.tick(), clock.tick(), clock.tick()], [1_000_000, 1_000_001, 1_000_002]);
  t.mock.timers.setTime(500);
  assert.equal(clock.tick(), 1_000_003);
  t.mock.timers.setTime(2_000);
  assert.equal(clock.tick(), 2_000_000);
});

test('time goes on after what an earlier process gave out', t => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
  assert.equal(new Clock(5_000_000).tick(), 5_000_001);
});

test('times come back from the wire rounded down to microseconds, also those before 1970', () => {
  for (const time of [0, 1, 1_700_000_000_123_456, -1, -1_500_000]) {
    assert.equal(fromTimestamp(toTimestamp(time)), time);
  }
  assert.equal(fromTimestamp({ seconds: '1', nanos: 1_999 }), 1_000_001);
  assert.deepEqual(toTimestamp(-1), { seconds: '-1', nanos: 999_999_000 });
});
