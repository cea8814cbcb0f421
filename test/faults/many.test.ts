// Many who ask at once, and those who die or sleep among them: an image is built once, and every pull gets it.
import assert from 'node:assert/strict';
import { before, after, describe, test, type TestContext } from 'node:test';
import { Cloud } from '#test/cloud.ts';
import { debianSet, type DebianSet } from '#test/nix/debian-set.ts';
import { Fleet, smallPackages, type FleetProgram } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest, type PulledManifest } from '#test/e2e/oci-client.ts';

const STARTED = '"build started"';
const PUBLISHED = '"build published"';
const LOST = '"the lease was lost';

const SHORT_LEASE = { DERIVERY_LEASE_SECONDS: '1' };

function countAll(programs: readonly FleetProgram[], text: string): number {
  return programs.reduce((sum, { log }) => sum + log.count(text), 0);
}

describe('many', { concurrency: 2, timeout: 240_000 }, () => {
  let cloud: Cloud;
  let set: DebianSet;
  before(async () => {
    cloud = await Cloud.start();
    set = await debianSet();
  });
  after(() => cloud[Symbol.asyncDispose]());

  async function newFleet(
    context: TestContext,
    settings: NodeJS.ProcessEnv = {},
  ): Promise<{ fleet: Fleet; folder: string }> {
    const folder = await smallPackages(context, ['small', 'tiny']);
    const fleet = await Fleet.start(cloud, set, folder, { DERIVERY_HOLD_SECONDS: '2', ...settings });
    context.after(() => fleet[Symbol.asyncDispose]());
    return { fleet, folder };
  }

  test('T1, N6: 200 pulls of a new image at once, over 4 registries and 3 workers: one build, one digest', async context => {
    const { fleet } = await newFleet(context);
    const registries = await Promise.all(Array.from({ length: 4 }, () => fleet.startRegistry()));
    const workers = await Promise.all(Array.from({ length: 3 }, () => fleet.startWorker()));
    const pulls = Array.from({ length: 50 }, () =>
      registries.map(({ address }) => pullManifest(address, 'small')),
    );
    const manifests = await Promise.all(pulls.flat());
    assert.equal(manifests.length, 200);
    assert.equal(new Set(manifests.map(({ digest }) => digest)).size, 1);

    // What is still under way when the image is there would be a second build.
    const programs = [...workers, ...registries];
    const endings = await Promise.all(programs.map(program => program.stop()));
    assert.deepEqual(new Set(endings), new Set(['exit code 0']));
    assert.equal(countAll(workers, STARTED), 1);
    assert.equal(countAll(workers, PUBLISHED), 1);
  });

  test('T2: a worker stands still in its work until another has made the image: it writes nothing more', async context => {
    const { fleet, folder } = await newFleet(context, SHORT_LEASE);
    const registry = await fleet.startRegistry();
    const sleeper = await fleet.startWorker();
    await sleeper.signalAt('SIGSTOP', ['spool opened']);
    const pulled = pullManifest(registry.address, 'small');
    await sleeper.untilSignal();
    const second = await fleet.startWorker();
    const { digest } = await pulled;
    const documents = await imagesOf(folder);

    sleeper.signal('SIGCONT');
    await sleeper.log.until(LOST);
    assert.equal(await sleeper.stop(), 'exit code 0');
    assert.deepEqual(await imagesOf(folder), documents);
    assert.deepEqual([second.log.count(PUBLISHED), sleeper.log.count(PUBLISHED)], [1, 0]);
    assert.equal((await pullManifest(registry.address, 'small')).digest, digest);
  });

  test('T2: a worker stands still with its image on the way out: while another is at it, that is refused', async context => {
    const { fleet, folder } = await newFleet(context, SHORT_LEASE);
    const registry = await fleet.startRegistry();
    const sleeper = await fleet.startWorker();
    await sleeper.signalAt('SIGSTOP', ['Commit images manifests sent']);
    const pulled = pullManifest(registry.address, 'small');
    await sleeper.untilSignal();
    // Its lease is a long one: nobody takes it while it stands still, too. It knows the packages, which the sleeper has left in the
    // spool, and has the config still to store.
    const second = await fleet.startWorker({ DERIVERY_LEASE_SECONDS: '600' });
    await second.signalAt('SIGSTOP', ['POST sent']);
    await second.untilSignal();
    const documents = await imagesOf(folder);

    sleeper.signal('SIGCONT');
    await sleeper.log.until(LOST);
    assert.deepEqual(await imagesOf(folder), documents);

    second.signal('SIGCONT');
    await pulled;
    await second.log.until(PUBLISHED);
    assert.equal(sleeper.log.count(PUBLISHED), 0);
  });

  for (const [when, steps] of [
    ['before the hint is sent', ['Publish sent']],
    ['before it knows that its document is there', ['Commit images answered']],
  ] as const) {
    test(`a registry dies ${when}: the pull that waits and the next one succeed`, async context => {
      const { fleet } = await newFleet(context);
      const [first, second] = await Promise.all([fleet.startRegistry(), fleet.startRegistry()]);
      await fleet.startWorker();
      await first.signalAt('SIGKILL', steps);
      const manifest = await pullThrough([first.address, second.address], 'small');
      assert.equal(await first.ended, 'killed by SIGKILL');
      assert.equal(await checkBlobs(second.address, 'small', manifest), manifest.layers.length + 1);
      assert.equal((await pullManifest(second.address, 'small')).digest, manifest.digest);
    });
  }

  /** The image documents of a source, with the moment when each was written last. */
  async function imagesOf(folder: string) {
    const { docs } = await cloud.firestore
      .collection('images')
      .where('request.source.folder', '==', folder)
      .get();
    return docs.map(document => [document.id, document.data(), document.updateTime.valueOf()]);
  }
});

/** As a client does behind a load balancer: where a connection breaks it asks again, and another instance answers. */
async function pullThrough(registries: readonly string[], name: string): Promise<PulledManifest> {
  const [registry, ...others] = registries;
  if (registry === undefined) throw new Error('no registry is left');
  try {
    return await pullManifest(registry, name);
  } catch (error) {
    // What fetch throws where there is no answer.
    if (!(error instanceof TypeError)) throw error;
    return pullThrough(others, name);
  }
}
