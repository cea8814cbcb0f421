import assert from 'node:assert/strict';
import { test } from 'node:test';
import { someAtATime } from '#worker/nix/some-at-a-time.ts';

const { signal } = new AbortController();

test('results come in the order of the items, and no more run than may', async () => {
  let running = 0;
  let most = 0;
  const results = await someAtATime(2, [3, 1, 2], signal, async item => {
    most = Math.max(most, (running += 1));
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    running -= 1;
    return item * 10;
  });
  assert.deepEqual(results, [30, 10, 20]);
  assert.equal(most, 2);
});

test('the first error stops what runs, begins nothing more, and is thrown when all has ended', async () => {
  const begun: number[] = [];
  let ended = false;
  const done = someAtATime(2, [1, 2, 3], signal, async (item, stop) => {
    begun.push(item);
    if (item === 2) throw new Error('two');
    await new Promise(resolve => stop.addEventListener('abort', resolve));
    await Promise.resolve();
    ended = true;
    throw stop.reason;
  });
  await assert.rejects(done, { message: 'two' });
  assert.deepEqual(begun, [1, 2]);
  assert.equal(ended, true);
});

test('an aborted signal is thrown', async () => {
  const aborted = AbortSignal.abort(new Error('enough'));
  await assert.rejects(
    someAtATime(1, [1], aborted, async () => 1),
    { message: 'enough' },
  );
});
