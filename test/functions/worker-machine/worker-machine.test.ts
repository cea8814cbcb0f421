import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { openComputeInstance } from '#functions/worker-machine/compute-instance.ts';
import { parseInstanceName } from '#functions/worker-machine/instance-name.ts';
import { createWorkerMachine, NO_MACHINE } from '#functions/worker-machine/worker-machine.ts';
import type { MachineLife } from '#local/compute/machine.ts';
import { collectLog } from '#test/collected-log.ts';
import { INSTANCE, startMachine } from './machine-stand-in.ts';

const SECOND = 1_000;

/** A machine, and what wakes it by a clock that the test turns. */
async function scene(context: TestContext, life: Partial<MachineLife> = {}) {
  const standIn = await startMachine(context, life);
  const collected = collectLog();
  let now = 0;
  const worker = createWorkerMachine(standIn.instance, collected.log, () => now);
  return {
    ...standIn,
    worker,
    said: () => collected.lines.map(({ level, message }) => [level, message]),
    /** Wakes it so much later. */
    wakeAfter: async (milliseconds: number): Promise<void> => {
      now += milliseconds;
      await worker.wake();
    },
  };
}

/** Ends a state of the machine when the test says so. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { state: () => promise, end: () => resolve() };
}

const STARTED = [30, 'the worker’s machine is started: there is something to build'];

describe('the worker’s machine', () => {
  test('is started where it is stopped', async context => {
    const { worker, calls, machine, said } = await scene(context);
    await worker.wake();
    await machine.until('RUNNING');
    assert.deepEqual(calls, ['get 200', 'start 200']);
    assert.deepEqual(said(), [STARTED]);
  });

  test('is not started where it runs, or is about to', async context => {
    const staging = held();
    const { worker, wakeAfter, calls, machine } = await scene(context, { staging: staging.state });
    machine.start();
    await worker.wake();
    assert.equal(worker.isStarting, true);
    staging.end();
    await machine.until('RUNNING');
    await wakeAfter(20 * SECOND);
    assert.equal(worker.isStarting, false);
    assert.deepEqual(calls, ['get 200', 'get 200']);
  });

  test('is looked at once by all who wake it at once, and seldom by all who do so again and again', async context => {
    const { worker, wakeAfter, calls } = await scene(context);
    assert.equal(worker.isStarting, false);
    await Promise.all(Array.from({ length: 100 }, () => worker.wake()));
    assert.equal(worker.isStarting, true);
    for (let second = 0; second < 60; second++) await wakeAfter(SECOND);
    const looks = calls.filter(call => call.startsWith('get')).length;
    assert.ok(looks >= 6 && looks <= 8, `${looks} looks`);
    assert.equal(calls.filter(call => call.startsWith('start')).length, 1);
  });

  test('that is stopping is started as soon as it has stopped', async context => {
    const running = held();
    const stopping = held();
    const { worker, wakeAfter, calls, machine } = await scene(context, {
      running: running.state,
      stopping: stopping.state,
    });
    machine.start();
    running.end();
    await machine.until('STOPPING');
    await worker.wake();
    await wakeAfter(3 * SECOND);
    assert.deepEqual(calls, ['get 200', 'get 200']);
    stopping.end();
    await machine.until('TERMINATED');
    await wakeAfter(3 * SECOND);
    assert.deepEqual(calls.slice(2), ['get 200', 'start 200']);
  });

  test('that begins to stop between the look and the start is looked at again', async context => {
    const stopping = held();
    const { instance, calls, machine } = await scene(context, {
      running: () => Promise.resolve(),
      stopping: stopping.state,
    });
    machine.start();
    await machine.until('STOPPING');
    const { log, lines } = collectLog();
    let now = 0;
    const late = { ...instance, state: () => Promise.resolve('stopped' as const) };
    const worker = createWorkerMachine(late, log, () => now);
    await worker.wake();
    assert.deepEqual([calls.at(-1), lines.length], ['start 400', 0]);
    stopping.end();
    await machine.until('TERMINATED');
    now += 3 * SECOND;
    await worker.wake();
    assert.equal(calls.at(-1), 'start 200');
  });

  for (const [permission, callsMade] of [
    ['compute.instances.get', ['get 403']],
    ['compute.instances.start', ['get 200', 'start 403']],
  ] as const) {
    test(`that may not be started, for want of ${permission}, is told of once a minute, with the way out`, async context => {
      const { worker, wakeAfter, calls, forbid, said, machine } = await scene(context);
      forbid(permission);
      await worker.wake();
      for (let second = 0; second < 30; second++) await wakeAfter(SECOND);
      assert.deepEqual(calls, callsMade);
      assert.deepEqual(said(), [
        [
          50,
          `${INSTANCE} (DERIVERY_WORKER_INSTANCE) cannot be started: grant compute.instances.get and compute.instances.start on it to the service account of this function. Compute Engine says: Required '${permission}' permission for '${INSTANCE}'`,
        ],
      ]);
      forbid(undefined);
      await wakeAfter(60 * SECOND);
      await machine.until('RUNNING');
    });
  }

  test('that does not exist is told of as such', async context => {
    const { endpoint } = await startMachine(context);
    const { log, lines } = collectLog();
    const other = parseInstanceName(`${INSTANCE}-2`);
    await createWorkerMachine(openComputeInstance(other, endpoint), log).wake();
    assert.equal(lines.length, 1);
    assert.match(String(lines[0]?.['message']), /name the machine that there is.*-2' was not found/);
  });

  test('is started though Compute Engine fails at first', async context => {
    const { worker, calls, fail, machine } = await scene(context);
    fail(1);
    await worker.wake();
    await machine.until('RUNNING');
    assert.deepEqual(calls, ['get 503', 'get 200', 'start 200']);
  });

  test('is tried again some seconds after Compute Engine was out of reach', async context => {
    const { worker, wakeAfter, close, said } = await scene(context);
    await close();
    await worker.wake();
    await wakeAfter(SECOND);
    assert.deepEqual(said(), [[40, 'the worker’s machine could not be started; it is tried again']]);
    await wakeAfter(10 * SECOND);
    assert.equal(said().length, 2);
  });

  test('that does not come though it was started is told of', async context => {
    const { worker, wakeAfter, said } = await scene(context, {
      // There is none of its type in the zone: it is stopped again at once.
      running: () => Promise.resolve(),
    });
    await worker.wake();
    for (let second = 0; second < 10; second++) await wakeAfter(SECOND);
    assert.ok(said().every(([level]) => level === 30));
    for (let second = 0; second < 20; second++) await wakeAfter(SECOND);
    const warnings = said().filter(([level]) => level === 40);
    assert.ok(warnings.length > 0);
    assert.match(String(warnings[0]?.[1]), /does not start.*operations/);
  });

  test('is not asked for where workers are there all the time', async () => {
    await NO_MACHINE.wake();
    assert.equal(NO_MACHINE.isStarting, false);
  });
});
