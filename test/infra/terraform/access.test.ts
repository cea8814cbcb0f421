// Who may do what: invariants of all that Terraform grants.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { openTerraform, skipWithoutTerraform } from './open-terraform.ts';
import { planned, type PlannedResource } from './planned.ts';

const skip = await skipWithoutTerraform();

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  'with defaults': [],
  'with a fleet': ['-var=worker_mode=fleet'],
  'with everything': ['-var-file=examples/everything.tfvars'],
};

/** Whole projects for the asking. */
const BASIC_ROLES = /^roles\/(?:owner|editor|viewer|browser|.*\.admin)$/;

/** What may be granted in the whole project: what has no resource of its own to be granted on, or a condition. */
const IN_THE_PROJECT = new Set([
  'roles/cloudbuild.builds.builder',
  'roles/datastore.user',
  'roles/logging.logWriter',
  'roles/monitoring.metricWriter',
]);

const isGrant = ({ type }: PlannedResource): boolean => type.endsWith('_iam_member');

for (const [name, variables] of Object.entries(CHOICES)) {
  describe(`access ${name}`, { skip }, async () => {
    if (skip !== false) return;
    const resources = await planned(await openTerraform(), ...variables);
    const grants = resources.filter(isGrant);

    test('is by no role that is too wide', () => {
      assert.ok(grants.length > 10);
      for (const { address, values } of grants) {
        assert.doesNotMatch(String(values['role']), BASIC_ROLES, address);
        if (address.startsWith('google_project_iam_member.')) {
          assert.ok(IN_THE_PROJECT.has(String(values['role'])), address);
        }
      }
    });

    test('to the database is to this database', () => {
      const toDatabase = grants.filter(({ values }) => values['role'] === 'roles/datastore.user');
      assert.equal(toDatabase.length, 4);
      for (const { values } of toDatabase) assert.match(JSON.stringify(values['condition']), /databases\//);
    });

    test('is open to everyone where it was asked for, and nowhere else', () => {
      const open = grants
        .filter(({ values }) => /^all(?:Authenticated)?Users$/.test(String(values['member'])))
        .map(({ address }) => address);
      const asked = name === 'with everything' ? ['google_storage_bucket_iam_member.everyone_reads[0]'] : [];
      assert.deepEqual(open.toSorted(), [
        'google_cloud_run_service_iam_member.everyone_calls_registry',
        ...asked,
      ]);
    });

    test('to buckets is decided for the whole bucket, and nothing is kept that was deleted', () => {
      for (const { address, values } of resources.filter(({ type }) => type === 'google_storage_bucket')) {
        assert.equal(values['uniform_bucket_level_access'], true, address);
        assert.deepEqual(values['soft_delete_policy'], [{ retention_duration_seconds: 0 }], address);
      }
    });

    test('to buckets lets nobody list or write whose work that is not', () => {
      const more = grants
        .filter(({ values }) => String(values['role']).startsWith('roles/storage.'))
        .filter(({ values }) => values['role'] !== 'roles/storage.legacyObjectReader')
        .map(({ address }) => address.replace(/\[.*/, ''));
      assert.deepEqual([...new Set(more)].toSorted(), [
        'google_storage_bucket_iam_member.keeps_blobs',
        'google_storage_bucket_iam_member.keeps_snapshots',
        'google_storage_bucket_iam_member.worker_sees_bucket',
      ]);
    });

    test('to what layers are planned by is never everyone’s', () => {
      const kept = resources.filter(({ values }) => values['public_access_prevention'] === 'enforced');
      const buckets = kept.map(({ address }) => address);
      assert.ok(buckets.includes('google_storage_bucket.snapshots'));
      assert.equal(buckets.includes('google_storage_bucket.blobs'), name !== 'with everything');
    });

    test('to the workers’ network is from nowhere, or through IAP', () => {
      for (const { values } of resources.filter(({ type }) => type === 'google_compute_firewall')) {
        assert.deepEqual(values['source_ranges'], ['35.235.240.0/20']);
      }
    });

    test('to secrets is to those that a part reads', () => {
      const read = (part: string): string[] =>
        grants
          .filter(({ address }) => address.startsWith(`google_secret_manager_secret_iam_member.${part}[`))
          .map(({ values }) => String(values['secret_id']).replace(/.*\//, ''))
          .toSorted();
      const asked = ['git-known-hosts', 'git-netrc', 'git-ssh-key'];
      assert.deepEqual(read('worker'), name === 'with everything' ? asked : []);
      const toSecrets = grants.filter(({ values }) => /secretmanager/.test(String(values['role'])));
      assert.equal(toSecrets.length, read('worker').length + read('registry').length);
      for (const { values } of toSecrets) assert.equal(values['role'], 'roles/secretmanager.secretAccessor');
    });

    test('needs no key', () => {
      assert.deepEqual(
        resources.filter(({ type }) => type.endsWith('_key')),
        [],
      );
    });
  });
}

describe('fields of documents without an index', { skip }, async () => {
  if (skip !== false) return;
  const resources = await planned(await openTerraform());
  const root = resolve(import.meta.dirname, '../../..');
  const queries = globSync('{core/google,functions,worker}/**/*.ts', { cwd: root })
    .map(file => readFileSync(join(root, file), 'utf8'))
    .filter(text => /\b(?:where|orderBy|pageByMoment)\(/.test(text));

  test('are none that queries go by', () => {
    assert.ok(queries.length > 0);
    const fields = resources.filter(({ type }) => type === 'google_firestore_field');
    assert.ok(fields.length > 5);
    for (const { values } of fields) {
      const field = String(values['field']);
      // A field of a field is written nowhere else; of others the name may stand for something else.
      const named = field.includes('.') ? `'${field}'` : new RegExp(`(?:where|orderBy)\\(\\s*'${field}'`);
      const below = new RegExp(`'${field.replaceAll('.', String.raw`\.`)}\\.[A-Za-z.]+'`);
      for (const text of queries) {
        assert.ok(text.search(named) < 0, `${field} is in a query`);
        assert.ok(!below.test(text), `${field} has a field that is in a query`);
      }
    }
  });
});
