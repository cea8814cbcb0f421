// A deployment from its first apply to its end, with the stand-in for the provider.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NEEDED, openTerraform, skipWithoutTerraform } from './open-terraform.ts';

const skip = await skipWithoutTerraform();

const DEPLOYMENTS: Readonly<
  Record<string, { readonly variables: readonly string[]; readonly secrets: number }>
> = {
  'with defaults': { variables: NEEDED, secrets: 2 },
  // The other is one that was there.
  'with everything': { variables: [...NEEDED, '-var-file=examples/everything.tfvars'], secrets: 1 },
};

for (const [name, { variables, secrets: made }] of Object.entries(DEPLOYMENTS)) {
  describe(`a deployment ${name}`, { skip }, async () => {
    if (skip !== false) return;
    const terraform = await openTerraform();

    test('is there after one apply', async () => {
      const { exitCode, text } = await terraform.run('apply', '-auto-approve', ...variables);
      assert.equal(exitCode, 0, text);
      const outputs = JSON.parse((await terraform.run('output', '-json')).stdout) as Record<
        string,
        { value: unknown }
      >;
      assert.match(String(outputs['pull_command']?.value), /^docker pull [a-z0-9.-]+\/shell\/git$/);
    });

    test('has secrets that were written once, differ, and are not in the state', async () => {
      const secrets = terraform.applied
        .filter(({ type }) => type === 'google_secret_manager_secret_version')
        .map(({ config }) => String(config?.['secret_data_wo']));
      assert.equal(secrets.length, made);
      assert.equal(new Set(secrets).size, made);
      const { stdout: state } = await terraform.run('state', 'pull');
      for (const secret of secrets) {
        assert.match(secret, /^[0-9a-f-]{72}$/);
        assert.ok(!state.includes(secret));
      }
    });

    test('is not changed by another apply', async () => {
      const { exitCode, text } = await terraform.run('plan', '-detailed-exitcode', ...variables);
      assert.equal(exitCode, 0, text);
    });

    test('goes without a trace', async () => {
      const { exitCode, text } = await terraform.run('destroy', '-auto-approve', ...variables);
      assert.equal(exitCode, 0, text);
      assert.equal((await terraform.run('state', 'list')).stdout, '');
    });
  });
}

describe('a deployment that changes', { skip }, async () => {
  if (skip !== false) return;
  const terraform = await openTerraform();

  /** What another apply with these variables would do. */
  async function planned(...variables: string[]): Promise<string[]> {
    const made = await terraform.run('plan', '-out=plan', ...NEEDED, ...variables);
    assert.equal(made.exitCode, 0, made.text);
    const { stdout } = await terraform.run('show', '-json', 'plan');
    const { resource_changes: changes } = JSON.parse(stdout) as {
      resource_changes: { address: string; change: { actions: string[] } }[];
    };
    return changes
      .filter(({ change }) => change.actions.join() !== 'no-op')
      .map(({ address, change }) => `${change.actions.join(' ')} ${address}`);
  }

  test('is deployed', async () => {
    const { exitCode, text } = await terraform.run('apply', '-auto-approve', ...NEEDED);
    assert.equal(exitCode, 0, text);
  });

  test('has its secrets replaced by the next number', async () => {
    const changes = await planned('-var=secrets_version=2');
    assert.ok(
      changes.some(change => change.endsWith('google_secret_manager_secret_version.made["hop"]')),
      changes.join('\n'),
    );
  });

  test('takes nothing away that something still names', async () => {
    const domain = '-var=domain=registry.example.org';
    const more = [domain, '-var=public_layers=true', '-var=cdn_domain=layers.example.net'];
    for (const variables of [[...more, '-var=alert_emails=["a@example.org"]'], [domain], []]) {
      const before = terraform.applied.length;
      const { exitCode, text } = await terraform.run('apply', '-auto-approve', ...NEEDED, ...variables);
      assert.equal(exitCode, 0, text);
      const steps = terraform.applied.slice(before);
      const gone = (type: string) => steps.findIndex(step => step.type === type && step.after === null);
      const changed = (type: string) =>
        steps.findLastIndex(step => step.type === type && step.before !== null);
      for (const [named, by] of [
        ['google_compute_backend_bucket', 'google_compute_url_map'],
        ['google_monitoring_notification_channel', 'google_monitoring_alert_policy'],
      ] as const) {
        if (variables.length === 1)
          assert.ok(gone(named) > changed(by), `${named} goes after ${by} is changed`);
      }
    }
  });

  test('has the role of those who start its machine also as a fleet', async () => {
    const changes = await planned('-var=worker_mode=fleet');
    assert.ok(changes.some(change => change.startsWith('delete google_compute_instance.worker')));
    assert.ok(!changes.some(change => change.includes('custom_role')), changes.join('\n'));
  });

  test('keeps all that is there when other programs come', async () => {
    // The stand-in changes in place what Google's provider makes anew under the new name: the bundles' objects.
    const changes = await planned('-var=bundle_dir=tests/next-bundles');
    assert.deepEqual(changes.map(change => change.replace(/\[.*/, '')).toSorted(), [
      'update google_cloudfunctions2_function.event',
      'update google_cloudfunctions2_function.event',
      'update google_cloudfunctions2_function.registry',
      'update google_compute_instance.worker',
      'update google_storage_bucket_object.function',
      'update google_storage_bucket_object.node',
      'update google_storage_bucket_object.worker',
    ]);
  });
});
