// The settings of all programs, as Terraform passes them and as the code reads them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { readSettings } from '#core/google/settings.ts';
import { janitorSettings } from '#functions/janitor/settings.ts';
import { prebuildSettings } from '#functions/prebuild/settings.ts';
import { holdsOf, readRegistrySettings, registrySettings } from '#functions/registry/settings.ts';
import { readWorkerSettings, workerSettings } from '#worker/settings.ts';
import { FUNCTION_NODE_OPTIONS } from '#local/local-environment.ts';
import { NEEDED, openTerraform, skipWithoutTerraform } from './open-terraform.ts';
import { environmentOf, planned, type PlannedResource } from './planned.ts';

const skip = await skipWithoutTerraform();

const PROGRAMS = {
  registry: registrySettings,
  prebuild: prebuildSettings,
  janitor: janitorSettings,
  worker: workerSettings,
};

/** What a program is given besides its settings: Node's own, and the platform's. */
const NOT_SETTINGS = new Set(['NODE_ENV', 'NODE_OPTIONS', 'LOG_EXECUTION_ID']);

const EVERYTHING = ['-var-file=examples/everything.tfvars'];

describe('settings', { skip }, async () => {
  if (skip !== false) return;
  const terraform = await openTerraform();
  const deployments: Readonly<Record<string, readonly PlannedResource[]>> = {
    'with defaults': await planned(terraform),
    'with everything': await planned(terraform, ...EVERYTHING),
  };

  test('are those that each program reads (infra/settings.tf)', async () => {
    const expression = 'jsonencode(local.settings_read_by)';
    const { exitCode, stdout, text } = await terraform.evaluate(expression, ...NEEDED);
    assert.equal(exitCode, 0, text);
    const listed = JSON.parse(JSON.parse(stdout) as string) as Record<string, string[]>;
    assert.deepEqual(Object.keys(listed).toSorted(), Object.keys(PROGRAMS).toSorted());
    for (const [program, schema] of Object.entries(PROGRAMS)) {
      assert.deepEqual(
        listed[program]?.toSorted(),
        Object.keys(schema).toSorted(),
        `infra/settings.tf, of ${program}`,
      );
    }
  });

  for (const [name, resources] of Object.entries(deployments)) {
    for (const [program, schema] of Object.entries(PROGRAMS)) {
      test(`of ${program} are known and complete, ${name}`, async () => {
        const environment = await environmentOf(resources, program);
        const set = Object.keys(environment).filter(variable => !NOT_SETTINGS.has(variable));
        assert.deepEqual(
          set.filter(variable => !(variable in schema)),
          [],
        );
        readSettings(z.object(schema), environment);
      });
    }
  }

  test('of everything come as they were written', async () => {
    const everything = deployments['with everything'] ?? [];
    const registry = await environmentOf(everything, 'registry');
    const worker = await environmentOf(everything, 'worker');
    const shared = ['DERIVERY_EXTRA_COMMANDS', 'DERIVERY_NIXPKGS_CONFIG', 'DERIVERY_COMPRESSION'];
    for (const variable of shared) assert.equal(worker[variable], registry[variable], variable);
    assert.equal(worker['DERIVERY_EXTRA_COMMANDS'], 'echo "$HOME" `date` \\ >etc/made');
    assert.equal(readWorkerSettings(worker).DERIVERY_BUILD_SLOTS, 4);
  });

  test('let the registry hold pulls for as long as the front end lets it', async () => {
    const environment = await environmentOf(deployments['with defaults'] ?? [], 'registry');
    assert.deepEqual(holdsOf(readRegistrySettings(environment)), { short: 20_000, long: 280_000 });
  });

  for (const name of ['registry', 'prebuild', 'janitor'] as const) {
    test(`have Node run the ${name} in the cloud as on a laptop`, async () => {
      const environment = await environmentOf(deployments['with defaults'] ?? [], name);
      assert.equal(environment['NODE_OPTIONS'], FUNCTION_NODE_OPTIONS);
    });
  }
});
