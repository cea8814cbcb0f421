import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharedWork } from '#functions/registry/shared-work.ts';

/** Runs that end when they are told to, in the order in which they began. */
function heldRuns() {
  const runs: PromiseWithResolvers<number>[] = [];
  const begin = (): Promise<number> => {
    const run = Promise.withResolvers<number>();
    runs.push(run);
    return run.promise;
  };
  return { runs, begin };
}

test('who asks while work is under way shares the next run with all others, and none that began before', async () => {
  const { runs, begin } = heldRuns();
  const share = createSharedWork<string, number>();
  const first = share('a', begin);
  const others = Array.from({ length: 50 }, () => share('a', begin));
  assert.equal(runs.length, 1);
  runs[0]?.resolve(1);
  assert.equal(await first, 1);
  assert.equal(runs.length, 2);
  const late = share('a', begin);
  runs[1]?.resolve(2);
  assert.deepEqual(new Set(await Promise.all(others)), new Set([2]));
  runs[2]?.resolve(3);
  assert.equal(await late, 3);
  assert.equal(runs.length, 3);

  void share('a', begin);
  assert.equal(runs.length, 4, 'nothing of it is kept');
});

test('keys have nothing to do with each other', async () => {
  const { runs, begin } = heldRuns();
  const share = createSharedWork<string, number>();
  const both = [share('a', begin), share('b', begin)];
  for (const [at, run] of runs.entries()) run.resolve(at);
  assert.deepEqual(await Promise.all(both), [0, 1]);
});

test('who waits for a run that fails fails with it, and the next one begins anew', async () => {
  const { runs, begin } = heldRuns();
  const share = createSharedWork<string, number>();
  const asked = [share('a', begin), share('a', begin), share('a', begin)];
  runs[0]?.reject(new Error('no answer'));
  for (const answer of asked) await assert.rejects(answer, /no answer/);
  const again = share('a', begin);
  assert.equal(runs.length, 2);
  runs[1]?.resolve(1);
  assert.equal(await again, 1);
});
