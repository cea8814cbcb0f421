import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorkLimit } from '#worker/work-limit.ts';

test('a limit counts what is worked, and not what is waited', context => {
  let now = 1_000;
  context.mock.method(performance, 'now', () => now);
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    context.mock.timers.tick(milliseconds);
  };
  const error = new Error('too long');
  using limit = startWorkLimit(10, error);
  pass(4_000);
  limit.pause();
  pass(3_600_000);
  limit.pause();
  limit.resume();
  limit.resume();
  pass(5_999);
  assert.equal(limit.signal.aborted, false);
  pass(1);
  assert.equal(limit.signal.reason, error);
});

test('a limit that is disposed of ends nothing', context => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const limit = startWorkLimit(10, new Error('too long'));
  limit[Symbol.dispose]();
  context.mock.timers.tick(20_000);
  assert.equal(limit.signal.aborted, false);
});
