// A worker that dies, at twenty points of a build: the pull that waits goes on and succeeds, without a new command.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { Fleet, smallPackages } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';

/** What was just spooled is the package's layer and the layer of links: all others are known by then. */
const BOTH_LAYERS = ['spool removed', 'spool removed'];

/** Each is the steps that happen before the worker dies (steps/watch-steps.ts): it dies at the last one. */
const POINTS: Readonly<Record<string, readonly string[]>> = {
  'the hint is received': ['ModifyAckDeadline sent'],
  'the claim is on its way': ['Commit images sent'],
  'the claim is written, and the worker does not know': ['Commit images answered'],
  'the source is looked at': ['git status started'],
  'the source is copied': ['nix-instantiate store-folder.nix started'],
  'the source’s copy is kept': ['nix-store --add-root started'],
  'the source’s revision is on its way': ['Commit sources sent'],
  'the source’s revision is written': ['Commit sources answered'],
  'names are evaluated': ['nix-instantiate --argstr request started'],
  'packages are realised': ['nix-store --realise --no-build-output started'],
  'a phase is told while a builder runs': [
    'nix-store --realise --no-build-output started',
    'Commit images answered',
  ],
  'the closure is asked for': ['nix-store --requisites started'],
  'sizes are asked for': ['nix-store --dump-db started'],
  'a layer’s file is opened': ['spool opened'],
  'half a layer is written': ['spool opened', 'spool written', 'spool written'],
  'an upload is on its way': ['spool written', 'POST sent'],
  'a blob is stored, and nothing says so': ['POST answered'],
  'a blob is known, and its layer is not': ['Commit blobs answered', 'Commit layers sent'],
  'the first layer is done': ['Commit layers answered', 'spool removed'],
  'all layers are there, the config is not': [...BOTH_LAYERS, 'POST sent'],
  'the image is about to be published': ['Commit images manifests sent'],
  'the image is published, and the worker does not know': ['Commit images manifests answered'],
  'the hint is about to be acknowledged': ['Commit images manifests answered', 'Acknowledge sent'],
};

/** Points are tried side by side: most of the time of each is waiting for a lease to be over. */
const LANES = 4;

/** Short, and yet so long that no worker loses one that it renews, however busy the machine is: five losses fail a build. */
const LEASE_SECONDS = '3';

const IMPATIENT = {
  DERIVERY_LEASE_SECONDS: LEASE_SECONDS,
  DERIVERY_HOLD_SECONDS: '2',
  DERIVERY_BUILD_SLOTS: '1',
};

const POINT_LIMIT_MS = 120_000;

test('a worker dies', { concurrency: LANES }, async context => {
  await using cloud = await Cloud.start();
  const set = await debianSet();
  const points = Object.entries(POINTS).map(([when, steps], index) => ({
    when,
    steps,
    name: `package-${index}`,
  }));
  const folder = await smallPackages(context, ['first', ...points.map(({ name }) => name)]);

  async function lane(number: number): Promise<void> {
    await using fleet = await Fleet.start(cloud, set, folder, IMPATIENT);
    const registry = await fleet.startRegistry();
    let worker = await fleet.startWorker();
    // What every image has is stored from here on, and each lane's programs have done everything once.
    await pullManifest(registry.address, 'first');

    for (const { when, steps, name } of points.filter((_, index) => index % LANES === number)) {
      const doomed = worker;
      const successor = doomed.ended.then(() => fleet.startWorker());
      try {
        await context.test(`T2, T5: when ${when}`, { timeout: POINT_LIMIT_MS }, async () => {
          await doomed.signalAt('SIGKILL', steps);
          const [manifest] = await Promise.all([
            pullManifest(registry.address, name),
            doomed.untilSignal(),
            successor,
          ]);
          assert.equal(await checkBlobs(registry.address, name, manifest), manifest.layers.length + 1);
        });
      } finally {
        // However this point ended: a worker that waits for its step would die in the next one.
        await doomed.kill();
        worker = await successor;
      }
    }
    await worker.stop();
    assert.deepEqual(await fleet.spooled(), [], 'what dead workers left in the spool is gone');
  }
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
});
