// A worker that is told to stop (SIGTERM, as Google Cloud does 30 s before it takes the machine): what it was making is
// another worker's at once, and nothing is left half done.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { imageDocumentSchema } from '#core/image-document.ts';
import { toPlain } from '#core/google/firestore.ts';
import { Cloud } from '#test/cloud.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { processesWith, untilRunning } from '#test/worker/nix/processes.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { Fleet, smallPackages } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';

/** Nobody waits for such a lease to be over: what goes on was given back. */
const LONG = { DERIVERY_LEASE_SECONDS: '600', DERIVERY_HOLD_SECONDS: '2' };

const MOMENTS: Readonly<Record<string, readonly string[]>> = {
  'while it claims': ['Commit images sent'],
  'while a source is copied': ['nix-instantiate store-folder.nix started'],
  'while names are evaluated': ['nix-instantiate --argstr request started'],
  'while a layer is packed': ['spool opened', 'spool written'],
  'while a blob is stored': ['POST sent'],
};

test('a worker is told to stop', async context => {
  await using cloud = await Cloud.start();
  const set = await debianSet();

  /** The builds of all images there are. */
  async function builds() {
    const { docs } = await cloud.firestore.collection('images').get();
    return docs.map(document => imageDocumentSchema.parse(toPlain(document.data())).build);
  }

  await context.test('while a builder runs: it ends with it, and the try does not count', async builder => {
    const mark = `endless-${randomUUID()}`;
    const endless = `(trap "" TERM INT; exec -a ${mark} sleep 1000) & exec -a ${mark} sleep 1000`;
    const always = ALWAYS_PACKAGES.map(name => [name, `echo ${randomUUID()} >$out`]);
    const folder = await scratchSet(builder, { ...Object.fromEntries(always), endless });
    await using fleet = await Fleet.start(cloud, set, folder, LONG);
    const registry = await fleet.startRegistry();
    const worker = await fleet.startWorker();
    const pulled = pullManifest(registry.address, 'endless');
    pulled.catch(() => {});
    await untilRunning(mark, true);

    worker.signal('SIGTERM');
    await worker.log.until('stopping');
    // Whoever is impatient asks twice.
    assert.equal(await worker.stop(), 'exit code 0');
    assert.deepEqual(await processesWith(mark), [], 'no builder outlives its worker');
    const [build] = await builds();
    assert.ok(build?.state === 'queued', build?.state);
    assert.deepEqual([build.by, build.attempts, build.lastError], ['pull', 0, undefined]);
    assert.deepEqual(await fleet.spooled(), []);

    const second = await fleet.startWorker();
    await second.log.until('"build started"');
    await untilRunning(mark, true);
  });

  for (const [when, steps] of Object.entries(MOMENTS)) {
    await context.test(`${when}: the pull that waits goes on with another worker`, async moment => {
      await using fleet = await Fleet.start(cloud, set, await smallPackages(moment, ['small']), LONG);
      const registry = await fleet.startRegistry();
      const worker = await fleet.startWorker();
      await worker.signalAt('SIGTERM', steps);
      const pulled = pullManifest(registry.address, 'small');
      assert.equal(await worker.ended, 'exit code 0');
      assert.equal(worker.log.count('build given back'), 1);
      assert.deepEqual(await fleet.spooled(), []);
      await fleet.startWorker();
      const manifest = await pulled;
      assert.equal(await checkBlobs(registry.address, 'small', manifest), manifest.layers.length + 1);
    });
  }
});
