// Which pulls have the worker's machine started.
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createWorkerMachine } from '#functions/worker-machine/worker-machine.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { startMachine } from '#test/functions/worker-machine/machine-stand-in.ts';
import { HOUR, IMPATIENT, Scene } from './scene.ts';
import { waitingOn } from './served.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** A registry whose worker's machine is stopped, and an image that nobody has asked for. */
async function atRest(context: TestContext) {
  const { instance, machine, calls, forbid } = await startMachine(context);
  const { log, lines } = collectLog();
  const worker = createWorkerMachine(instance, log);
  const scene = await Scene.set(cloud, context, { machine: worker });
  return { scene, worker, machine, calls, forbid, lines };
}

/** Resolves when Compute Engine has had such a call, and answered so. */
async function called(calls: readonly string[], call: string): Promise<void> {
  while (!calls.includes(call)) await nextTurn();
}

describe('the worker’s machine', () => {
  test(
    'is started by the first pull of an image, once however many wait for it',
    IMPATIENT,
    async context => {
      const { scene, machine, calls } = await atRest(context);
      const answers = scene.pulls(20);
      await machine.until('RUNNING');
      await scene.make('made', 'r1');
      for (const { body } of await answers) assert.equal(body.toString(), 'made');
      assert.deepEqual(calls, ['get 200', 'start 200']);
    },
  );

  test('is not started for an image that is there, be it stale or its source forgotten', async context => {
    const { scene, calls } = await atRest(context);
    await scene.make('old', 'r1');
    assert.equal((await scene.pull()).body.toString(), 'old');
    await scene.ago('sources', 'resolved.checkedAt', 7 * HOUR);
    assert.equal((await scene.pull()).body.toString(), 'old');
    await scene.look('r2');
    assert.equal((await scene.pull()).body.toString(), 'old');
    assert.equal((await scene.build()).state, 'queued', 'it will be made again');
    assert.deepEqual(calls, []);
  });

  test('is not started for a build that a worker has', IMPATIENT, async context => {
    const { scene, calls } = await atRest(context);
    await scene.queue('pull');
    await scene.claim();
    const answer = scene.pull();
    await scene.look('r1');
    await cloud.images.publish(scene.asked.key, 'worker', published('by the worker'));
    assert.equal((await answer).body.toString(), 'by the worker');
    assert.deepEqual(calls, []);
  });

  test('that may not be started is no reason not to wait', IMPATIENT, async context => {
    const { scene, calls, forbid, lines } = await atRest(context);
    forbid('compute.instances.start');
    const answer = scene.pull();
    await called(calls, 'start 403');
    await scene.make('by another worker', 'r1');
    assert.equal((await answer).body.toString(), 'by another worker');
    assert.deepEqual(
      lines.map(({ level }) => level),
      [50],
    );
  });

  test('is what a pull is told of while it starts', async context => {
    const { worker } = await atRest(context);
    await worker.wake();
    const { request } = cloud.newImage();
    const waiting = waitingOn(cloud, { log: collectLog().log, machine: worker });
    const queued = { state: 'queued', by: 'pull', queuedAt: 0, attempts: 0 } as const;
    assert.equal(await waiting.progress(request, queued), 'starting the worker');
  });
});
