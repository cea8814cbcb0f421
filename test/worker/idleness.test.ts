import assert from 'node:assert/strict';
import { describe, mock, test, type TestContext } from 'node:test';
import { watchIdleness, type Idleness } from '#worker/idleness.ts';

const IDLE_MS = 60_000;

/** By a clock that the test turns. */
function watched(context: TestContext, idleMs = IDLE_MS): Idleness {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  return watchIdleness(idleMs);
}

/** Whether it is reached by now. */
function reaching(idleness: Idleness, until = new AbortController().signal): () => Promise<boolean> {
  let isReached = false;
  void idleness.reached(until).then(() => (isReached = true));
  return async () => {
    // Everything that follows from the last turn of the clock is done when its promises are.
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    return isReached;
  };
}

describe('idleness', () => {
  test('is reached after the whole time without work, and not before', async context => {
    const isReached = reaching(watched(context));
    mock.timers.tick(IDLE_MS - 1);
    assert.equal(await isReached(), false);
    mock.timers.tick(1);
    assert.equal(await isReached(), true);
  });

  test('is not reached while work goes on, however long, and begins anew when the last of it ends', async context => {
    const idleness = watched(context);
    const isReached = reaching(idleness);
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    mock.timers.tick(IDLE_MS - 1);
    const done = [first, second].map(({ promise }) => idleness.during(() => promise));
    mock.timers.tick(10 * IDLE_MS);
    first.resolve();
    await done[0];
    mock.timers.tick(10 * IDLE_MS);
    assert.equal(await isReached(), false);
    second.resolve();
    await done[1];
    mock.timers.tick(IDLE_MS - 1);
    assert.equal(await isReached(), false);
    mock.timers.tick(1);
    assert.equal(await isReached(), true);
  });

  test('counts work that failed, and says how it did', async context => {
    const idleness = watched(context);
    const isReached = reaching(idleness);
    mock.timers.tick(IDLE_MS - 1);
    await assert.rejects(
      idleness.during(() => Promise.reject(new Error('no database'))),
      /no database/,
    );
    mock.timers.tick(IDLE_MS - 1);
    assert.equal(await isReached(), false);
    mock.timers.tick(1);
    assert.equal(await isReached(), true);
  });

  test('can be reached again', async context => {
    const idleness = watched(context);
    const first = reaching(idleness);
    mock.timers.tick(IDLE_MS);
    assert.equal(await first(), true);
    const second = reaching(idleness);
    mock.timers.tick(IDLE_MS - 1);
    assert.equal(await second(), false);
    mock.timers.tick(1);
    assert.equal(await second(), true);
  });

  test('is not waited for any longer than it is wanted, also where work goes on', async context => {
    const idleness = watched(context);
    const stopping = new AbortController();
    const isReached = reaching(idleness, stopping.signal);
    void idleness.during(() => new Promise(() => {}));
    assert.equal(await isReached(), false);
    stopping.abort();
    assert.equal(await isReached(), true);
    assert.equal(await reaching(idleness, stopping.signal)(), true);
  });

  test('is never reached where there is no time for it', async context => {
    const isReached = reaching(watched(context, Infinity));
    mock.timers.tick(2 ** 40);
    assert.equal(await isReached(), false);
  });
});
