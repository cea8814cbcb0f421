import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startStopwatch } from '#worker/stopwatch.ts';

describe('a stopwatch', () => {
  test('tells of each phase once, in the order in which they were entered', () => {
    const stopwatch = startStopwatch();
    for (const phase of ['resolving', 'building', 'building', 'packing', 'building'] as const) {
      stopwatch.enter(phase);
    }
    assert.deepEqual(Object.keys(stopwatch.stop().phases), ['resolving', 'building', 'packing']);
  });

  test('counts from each phase to the next, and the last one to the end', context => {
    let now = 1_000;
    context.mock.method(performance, 'now', () => now);
    const stopwatch = startStopwatch();
    const enter = (phase: 'resolving' | 'building' | 'packing', after: number): void => {
      now += after;
      stopwatch.enter(phase);
    };
    enter('resolving', 500);
    enter('building', 1_234);
    enter('building', 4_000);
    enter('packing', 1_000);
    now += 250;
    assert.deepEqual(stopwatch.stop(), {
      seconds: 6.984,
      phases: { resolving: 1.234, building: 5, packing: 0.25 },
    });
  });

  test('adds up what a phase took that was entered again', context => {
    let now = 1_000;
    context.mock.method(performance, 'now', () => now);
    const stopwatch = startStopwatch();
    for (const phase of ['building', 'waiting', 'building', 'packing'] as const) {
      stopwatch.enter(phase);
      now += 1_000;
    }
    assert.deepEqual(stopwatch.stop().phases, { building: 2, waiting: 1, packing: 1 });
  });

  test('has no phases where none was entered', () => {
    assert.deepEqual(startStopwatch().stop().phases, {});
  });
});
