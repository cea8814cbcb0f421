// A worker that is there only while there is something to build, on a machine whose program is the worker's real process.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startCompute } from '#local/compute/server.ts';
import { Machine } from '#local/compute/machine.ts';
import { startMetadata } from '#local/metadata/server.ts';
import { Cloud } from '#test/cloud.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { Fleet, smallPackages, type FleetProgram } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';

const INSTANCE = 'projects/test/zones/europe-west1-b/instances/derivery-worker';

/** A moment: it is over before a second pull could be in time for it. */
const IDLE_MINUTES = String(1 / 60);

/** A deployment at rest: a registry, and no worker. */
async function atRest(context: TestContext, cloud: Cloud, packages: readonly string[]) {
  const set = await debianSet();
  const folder = await smallPackages(context, packages);
  const workers: FleetProgram[] = [];
  const endings: string[] = [];
  let powerOff = (): Promise<void> => Promise.resolve();
  const machine = new Machine({
    async running() {
      const worker = await fleet.startWorker({ DERIVERY_IDLE_MINUTES: IDLE_MINUTES });
      workers.push(worker);
      endings.push(await worker.ended);
    },
    stopping: () => powerOff(),
  });
  const [compute, metadata] = await Promise.all([
    startCompute({ instance: INSTANCE, machine }),
    startMetadata({ email: 'registry@test.iam.gserviceaccount.com' }),
  ]);
  context.after(() => Promise.all([compute.close(), metadata.close()]));
  const fleet = await Fleet.start(cloud, set, folder, { DERIVERY_HOLD_SECONDS: '2' });
  context.after(() => fleet[Symbol.asyncDispose]());
  const registry = await fleet.startRegistry({
    DERIVERY_WORKER_INSTANCE: INSTANCE,
    DERIVERY_COMPUTE_ENDPOINT: compute.endpoint,
    GCE_METADATA_HOST: metadata.host,
  });
  return {
    ...compute,
    machine,
    registry,
    workers,
    endings,
    fleet,
    /** Each pull has its manifest, and every blob of it. */
    pull: async (name: string): Promise<void> => {
      const manifest = await pullManifest(registry.address, name);
      assert.equal(await checkBlobs(registry.address, name, manifest), manifest.layers.length + 1);
    },
    /** Has the machine take as long to power off as the test wants. */
    holdPowerOff: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      powerOff = () => promise;
      return resolve;
    },
  };
}

test('a worker on demand', async context => {
  await using cloud = await Cloud.start();

  await context.test(
    'is started by a pull, ends when it is idle, and is started by the next',
    async scene => {
      const { pull, machine, calls, endings, workers } = await atRest(scene, cloud, ['first', 'second']);
      await pull('first');
      await machine.until('TERMINATED');
      assert.deepEqual(endings, ['exit code 10']);
      assert.equal(workers[0]?.log.count('there is nothing to build: the worker ends'), 1);

      const before = calls.length;
      await pull('first');
      assert.equal(calls.length, before, 'what is there needs no worker');
      assert.equal(machine.status, 'TERMINATED');

      await pull('second');
      await machine.until('TERMINATED');
      assert.deepEqual(endings, ['exit code 10', 'exit code 10']);
    },
  );

  await context.test('whose machine is stopping is started by the pull that waits', async scene => {
    const { pull, machine, calls, endings, holdPowerOff } = await atRest(scene, cloud, ['first', 'second']);
    const off = holdPowerOff();
    await pull('first');
    await machine.until('STOPPING');
    assert.deepEqual(endings, ['exit code 10']);
    const pulled = pull('second');
    // It has been looked at, perhaps more than once, and cannot be started yet.
    const since = calls.length;
    while (calls.length < since + 2) await new Promise(resolve => setTimeout(resolve, 50));
    assert.equal(machine.status, 'STOPPING');
    off();
    await pulled;
    await machine.until('TERMINATED');
    assert.equal(endings.length, 2);
  });

  await context.test('that may not be started is told of, and is not the only one', async scene => {
    const { pull, calls, forbid, registry, fleet } = await atRest(scene, cloud, ['first']);
    forbid('compute.instances.start');
    const pulled = pull('first');
    await registry.log.until('cannot be started: grant compute.instances.get and compute.instances.start');
    await fleet.startWorker();
    await pulled;
    assert.equal(registry.log.count('cannot be started'), 1);
    assert.deepEqual(calls, ['get 200', 'start 403']);
  });
});
