// From `terraform apply` to a pull, without Google: what was applied is made in services that speak its protocols, and the programs are
// those that were uploaded, with the environment that they are deployed with.
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { Firestore } from '@google-cloud/firestore';
import { execa } from 'execa';
import { buildAll } from '#build/build-all.ts';
import { Machine } from '#local/compute/machine.ts';
import { smallPackages } from '#test/e2e/fleet.ts';
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';
import { openTerraform, skipWithoutTerraform } from '#test/infra/terraform/open-terraform.ts';
import { applied, environmentOf, valuesOf, type PlannedResource } from '#test/infra/terraform/planned.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { fetchBundles, objectNames } from './applied-bundles.ts';
import { startAppliedCloud } from './applied-cloud.ts';
import { startFunction, startWorker, type BundleProcess, type FunctionName } from './bundle-process.ts';
import { onThisMachine } from './on-this-machine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROJECT = 'demo-project';

/** What a person writes into terraform.tfvars, and nothing that is only for this test. */
const VARIABLES = [
  `-var=project=${PROJECT}`,
  '-var=region=europe-west1',
  '-var=prebuild={images = ["one:latest"]}',
];

const skip = await skipWithoutTerraform();

describe('what terraform apply makes', { skip, timeout: 600_000 }, async () => {
  if (skip !== false) return;
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'derivery-applied-')));
  after(() => rm(folder, { recursive: true, force: true }));
  const terraform = await openTerraform();
  // As in a clone after `npm install && npm run build`.
  const dist = join(terraform.folder, '../dist');
  await buildAll(ROOT, dist);
  await symlink(await realpath(join(ROOT, 'node_modules')), join(terraform.folder, '../node_modules'));

  /** The newest version of a secret that was written, which no state has. */
  function secretOf(name: string): string {
    const written = terraform.applied.findLast(
      ({ type, config }) =>
        type === 'google_secret_manager_secret_version' && String(config?.['secret']).endsWith(`/${name}`),
    );
    assert.ok(written, `the secret ${name} has a version`);
    return String(written.config?.['secret_data_wo']);
  }

  async function apply(): Promise<readonly PlannedResource[]> {
    const { exitCode, text } = await terraform.run('apply', '-auto-approve', ...VARIABLES);
    assert.equal(exitCode, 0, text);
    return applied(terraform);
  }

  test('makes images before they are pulled, and as they are', async context => {
    const resources = await apply();
    const registryService = valuesOf(resources, 'google_cloudfunctions2_function.registry');
    const [{ service_account_email: account }] = registryService['service_config'] as [
      { service_account_email: string },
    ];
    const booted = Promise.withResolvers<BundleProcess>();
    // Off, until one of the functions starts it; on, it does what its unit does (infra/worker-vm).
    const machine = new Machine({
      async running() {
        const starting = environment('worker').then(given => startWorker(bundles, { environment: given }));
        booted.resolve(starting);
        await (
          await starting
        ).ended;
      },
    });
    await using cloud = await startAppliedCloud(resources, {
      project: PROJECT,
      account,
      module: terraform.folder,
      data: join(folder, 'cloud'),
      machine,
    });
    const bundles = await fetchBundles(cloud, resources, join(folder, 'first'));
    const set = await debianSet();
    const packages = await smallPackages(context, ['one', 'two']);
    const spool = join(folder, 'spool');
    const environment = async (program: string): Promise<Readonly<Record<string, string>>> =>
      onThisMachine(await environmentOf(resources, program, secretOf), { cloud, set, packages, spool });
    const start = async (name: FunctionName) =>
      startFunction(bundles, name, { environment: await environment(name) });

    await using registry = await start('registry');
    await using prebuild = await start('prebuild');
    await using janitor = await start('janitor');
    await cloud.trigger('google_cloudfunctions2_function.event["prebuild"]', prebuild.port);
    await cloud.trigger('google_cloudfunctions2_function.event["janitor"]', janitor.port);

    await cloud.run('google_cloud_scheduler_job.prebuild[0]');
    await machine.until('RUNNING');
    await using worker = await booted.promise;
    assert.match(await worker.log.until(/"build (?!started|claimed)/), /"build published"/);
    const address = `127.0.0.1:${registry.port}`;
    const first = await fetch(`http://${address}/v2/one/manifests/latest`, { redirect: 'manual' });
    assert.equal(first.status, 200, 'it is there before anyone pulls');
    const prebuilt = await pullManifest(address, 'one');
    assert.equal(await checkBlobs(address, 'one', prebuilt), 1 + prebuilt.layers.length);

    const made = await pullManifest(address, 'one/two');
    assert.equal(await checkBlobs(address, 'one/two', made), 1 + made.layers.length);
    const blob = await fetch(`http://${address}/v2/one/two/blobs/${made.config.digest}`, {
      redirect: 'manual',
    });
    const signed = new URL(blob.headers.get('location') ?? '');
    assert.equal((await fetch(signed)).status, 200);
    assert.equal((await fetch(new URL(signed.pathname, signed))).status, 403, 'the bucket is private');

    await cloud.run('google_cloud_scheduler_job.janitor');
    const collected = await janitor.log.until('"collected"');
    assert.match(collected, /"objects":\{"state":"whole","kept"/, 'it sees the blobs');
    assert.match(
      collected,
      /"snapshots":\{"state":"whole","kept":1\}/,
      'and what their layers were planned by',
    );
    for (const [bucket, folders] of Object.entries({ blobs: ['blobs/'], snapshots: ['snapshots/'] })) {
      const { name } = valuesOf(resources, `google_storage_bucket.${bucket}`) as { name: string };
      assert.deepEqual(await cloud.folders(name), folders);
    }

    const { name: databaseId } = valuesOf(resources, 'google_firestore_database.state') as { name: string };
    process.env['FIRESTORE_EMULATOR_HOST'] = cloud.environment['FIRESTORE_EMULATOR_HOST'];
    const database = new Firestore({ projectId: PROJECT, databaseId });
    assert.equal((await database.collection('images').count().get()).data().count, 2);
    await database.terminate();

    const smoke = [join(ROOT, 'infra/smoke/smoke.ts'), address, '--image', 'one/two'];
    const { stdout: smoked, exitCode: smokeCode } = await execa(process.execPath, smoke, { reject: false });
    assert.equal(smokeCode, 0, smoked);

    for (const program of [worker, registry, prebuild, janitor]) {
      assert.equal(await program.stop(), 0, program.log.lines.join('\n'));
      assert.deepEqual(
        program.log.lines.filter(line => /ERR_ACCESS_DENIED|"severity":"(?:ERROR|CRITICAL)"/.test(line)),
        [],
      );
    }
  });

  test('is not changed by another apply', async () => {
    const before = terraform.applied.length;
    const { exitCode, text } = await terraform.run('plan', '-detailed-exitcode', ...VARIABLES);
    assert.equal(exitCode, 0, text);
    await apply();
    assert.equal(terraform.applied.length, before);
  });

  test('takes other programs under other names, and nothing else changes', async () => {
    const before = terraform.applied.length;
    const bundle = objectNames(await applied(terraform));
    // A byte behind the end that neither archive's reader looks at.
    for (const archive of ['function.zip', 'worker.tar.gz']) await appendFile(join(dist, archive), '\0');
    const resources = await apply();
    assert.deepEqual(
      terraform.applied
        .slice(before)
        .map(({ type }) => type)
        .toSorted(),
      [
        ...Array<string>(3).fill('google_cloudfunctions2_function'),
        'google_compute_instance',
        ...Array<string>(2).fill('google_storage_bucket_object'),
      ],
    );
    const next = objectNames(resources);
    for (const part of ['functions', 'worker'] as const) assert.notEqual(next[part], bundle[part], part);
    assert.equal(next.node, bundle.node);
  });
});
