import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seldom } from '#worker/seldom.ts';

test('of each thing once, and again when the time is over', () => {
  let now = 0;
  const isTime = seldom(60_000, () => now);
  assert.deepEqual(['a', 'a', 'b', 'b', 'a'].map(isTime), [true, false, true, false, false]);
  now = 59_999;
  assert.equal(isTime('a'), false, 'what was not said begins no new time');
  now = 60_000;
  assert.deepEqual(['a', 'a'].map(isTime), [true, false]);
});
