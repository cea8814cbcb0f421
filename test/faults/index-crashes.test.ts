// A worker that dies at points where an index could be forgotten: the pull that waits gets it all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { Fleet, smallPackages } from '#test/e2e/fleet.ts';
import { checkBlobs, pullIndex, pullManifest } from '#test/e2e/oci-client.ts';

const IMAGE = 'Commit images manifests answered';

/** Each is the steps that happen before the worker dies (steps/watch-steps.ts): it dies at the last one. */
const POINTS: Readonly<Record<string, readonly string[]>> = {
  'one of its images is asked for': ['Commit sources answered', 'Commit images answered'],
  'workers are told, and it does not wait yet': ['Publish answered'],
  'it waits, and the worker does not know': ['Publish answered', 'Commit images answered'],
  'its first image is there, and nobody looked at it': [IMAGE],
  'its last image is there, and nobody looked at it': [IMAGE, IMAGE],
  'it is about to be published': [IMAGE, IMAGE, 'Commit images manifests sent'],
  'it is published, and the worker does not know': [IMAGE, IMAGE, IMAGE],
};

const LANES = 2;

/** Short, and yet so long that no worker loses one that it renews, however busy the machine is: five losses fail a build. */
const LEASE_SECONDS = '3';

const SETTINGS = {
  DERIVERY_PLATFORMS: 'linux/amd64 linux/arm64',
  DERIVERY_LEASE_SECONDS: LEASE_SECONDS,
  DERIVERY_HOLD_SECONDS: '2',
};

const POINT_LIMIT_MS = 120_000;

test('a worker dies while an index is made', { concurrency: LANES }, async context => {
  await using cloud = await Cloud.start();
  const set = await debianSet();
  const points = Object.entries(POINTS).map(([when, steps], at) => ({ when, steps, name: `package-${at}` }));
  const folder = await smallPackages(context, ['first', ...points.map(({ name }) => name)]);

  async function lane(number: number): Promise<void> {
    // With one slot the images are made one after the other, and the steps above come in their order.
    await using fleet = await Fleet.start(cloud, set, folder, { ...SETTINGS, DERIVERY_BUILD_SLOTS: '1' });
    const registry = await fleet.startRegistry();
    let worker = await fleet.startWorker();
    // What every image has is stored from here on.
    await pullIndex(registry.address, 'first');

    for (const { when, steps, name } of points.filter((_, at) => at % LANES === number)) {
      const doomed = worker;
      const successor = doomed.ended.then(() => fleet.startWorker());
      try {
        await context.test(`when ${when}`, { timeout: POINT_LIMIT_MS }, async () => {
          await doomed.signalAt('SIGKILL', steps);
          const [index] = await Promise.all([
            pullIndex(registry.address, name),
            doomed.untilSignal(),
            successor,
          ]);
          assert.equal(index.manifests.length, 2);
          for (const { digest } of index.manifests) {
            const manifest = await pullManifest(registry.address, name, { reference: digest });
            assert.equal(await checkBlobs(registry.address, name, manifest), manifest.layers.length + 1);
            const { 'org.derivery.layer-snapshot': _snapshot, ...annotations } = manifest.annotations;
            assert.deepEqual(annotations, index.annotations);
          }
        });
      } finally {
        // However this point ended: a worker that waits for its step would die in the next one.
        await doomed.kill();
        worker = await successor;
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
});

test('many workers make many indexes, each once', { timeout: 240_000 }, async context => {
  await using cloud = await Cloud.start();
  const set = await debianSet();
  const names = Array.from({ length: 6 }, (_, at) => `package-${at}`);
  const folder = await smallPackages(context, names);
  await using fleet = await Fleet.start(cloud, set, folder, { ...SETTINGS, DERIVERY_LEASE_SECONDS: '30' });
  const [registry, ...workers] = await Promise.all([
    fleet.startRegistry(),
    fleet.startWorker({ DERIVERY_BUILD_SLOTS: '2' }),
    fleet.startWorker({ DERIVERY_BUILD_SLOTS: '2' }),
  ]);
  const pulls = names.flatMap(name => Array.from({ length: 3 }, () => pullIndex(registry.address, name)));
  const digests = new Set((await Promise.all(pulls)).map(({ digest }) => digest));
  assert.equal(digests.size, names.length);
  // Two images each, and the index.
  const published = workers.reduce((sum, { log }) => sum + log.count('"build published"'), 0);
  assert.equal(published, 3 * names.length);
});
