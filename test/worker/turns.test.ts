import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns } from '#worker/turns.ts';

const never = new AbortController().signal;

test('of one key one goes on at a time, of several all', async () => {
  const inTurn = createTurns();
  const events: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = inTurn('a', never, async ({ hasWaited }) => {
    events.push(`one ${hasWaited}`);
    await first.promise;
    events.push('one ends');
  });
  const others = [1, 2].map(number =>
    inTurn('a', never, async ({ hasWaited }) => {
      events.push(`another ${hasWaited}`);
      await Promise.resolve();
      events.push(`another ends`);
      return number;
    }),
  );
  await inTurn('b', never, async () => void events.push('b'));
  assert.deepEqual(events, ['one false', 'b']);
  first.resolve();
  await one;
  assert.deepEqual(await Promise.all(others), [1, 2]);
  const rest = events.slice(2);
  assert.deepEqual(rest, ['one ends', 'another true', 'another ends', 'another true', 'another ends']);
});

test('work that fails is an end like another, and its error only its own', async () => {
  const inTurn = createTurns();
  const failed = inTurn('a', never, () => Promise.reject(new Error('no')));
  const next = inTurn('a', never, ({ hasWaited }) => Promise.resolve(hasWaited));
  await assert.rejects(failed, { message: 'no' });
  assert.equal(await next, true);
  assert.equal(await inTurn('a', never, ({ hasWaited }) => Promise.resolve(hasWaited)), false);
});

test('who gives up waiting leaves with his reason, and the work goes on', async () => {
  const inTurn = createTurns();
  const work = Promise.withResolvers<string>();
  const running = inTurn('a', never, () => work.promise);
  const stop = new AbortController();
  const waiting = inTurn('a', stop.signal, () => assert.fail('it was given up'));
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
  work.resolve('done');
  assert.equal(await running, 'done');
  await assert.rejects(
    inTurn('a', stop.signal, () => assert.fail('it is given up')),
    { message: 'enough' },
  );
});
