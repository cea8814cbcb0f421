// A worker that dies around the moment when what layers are planned by is frozen: whoever comes after plans by the same.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { openSnapshots } from '#core/google/snapshots.ts';
import { SNAPSHOTS_PREFIX } from '#core/snapshot-name.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';
import { Fleet, smallPackages } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';
import { debianSet } from '#test/nix/debian-set.ts';

const IMPATIENT = { DERIVERY_LEASE_SECONDS: '3', DERIVERY_HOLD_SECONDS: '2', DERIVERY_BUILD_SLOTS: '1' };

/** See test/e2e/steps/watch-steps.ts. */
const POINTS: Readonly<Record<string, string>> = {
  'it is looked for': 'GET snapshots sent',
  'it is made, and on its way': 'POST snapshots sent',
  'it is stored, and the worker does not know': 'POST snapshots answered',
};

/** The names of all that is frozen. */
async function frozenIn(cloud: Storage): Promise<string[]> {
  const [files] = await cloud.bucket(BUCKET).getFiles({ prefix: SNAPSHOTS_PREFIX });
  return files.map(({ name }) => name);
}

async function dieAt(context: TestContext, step: string): Promise<void> {
  await using cloud = await Cloud.start();
  const folder = await smallPackages(context, ['one', 'other']);
  await using fleet = await Fleet.start(cloud, await debianSet(), folder, IMPATIENT);
  const registry = await fleet.startRegistry();
  const doomed = await fleet.startWorker();
  await doomed.signalAt('SIGKILL', [step]);
  const successor = doomed.ended.then(() => fleet.startWorker());
  const [one] = await Promise.all([pullManifest(registry.address, 'one'), doomed.untilSignal(), successor]);
  assert.equal(await checkBlobs(registry.address, 'one', one), one.layers.length + 1);

  const other = await pullManifest(registry.address, 'other');
  const [name = assert.fail(), ...more] = await frozenIn(new Storage({ projectId: PROJECT }));
  assert.deepEqual(more, []);
  const snapshot = await openSnapshots(PROJECT, BUCKET).read(name);
  for (const { annotations } of [one, other]) {
    assert.equal(annotations['org.derivery.layer-snapshot'], snapshot?.id);
  }
}

for (const [when, step] of Object.entries(POINTS)) {
  test(`a worker dies when ${when}`, { timeout: 120_000 }, context => dieAt(context, step));
}
