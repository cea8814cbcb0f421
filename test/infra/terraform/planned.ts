// What a plan says of a deployment that is not there yet, and the state of one that is.
import assert from 'node:assert/strict';
import { execa } from 'execa';
import { NEEDED, type Terraform } from './open-terraform.ts';

export interface PlannedResource {
  readonly address: string;
  readonly type: string;
  /** All that is known: before it is applied, that is what Google does not decide. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Everything that would be made with these variables besides those that are needed. */
export async function planned(
  terraform: Terraform,
  ...variables: readonly string[]
): Promise<readonly PlannedResource[]> {
  const { exitCode, text } = await terraform.run('plan', '-out=plan', ...NEEDED, ...variables);
  assert.equal(exitCode, 0, text);
  const { stdout } = await terraform.run('show', '-json', 'plan');
  const plan = JSON.parse(stdout) as { planned_values: { root_module: { resources: PlannedResource[] } } };
  return plan.planned_values.root_module.resources;
}

/** Everything that is there after an apply. */
export async function applied(terraform: Terraform): Promise<readonly PlannedResource[]> {
  const { stdout } = await terraform.run('show', '-json');
  const state = JSON.parse(stdout) as { values: { root_module: { resources: PlannedResource[] } } };
  return state.values.root_module.resources;
}

/** The values of the resource at an address. */
export function valuesOf(
  resources: readonly PlannedResource[],
  address: string,
): Readonly<Record<string, unknown>> {
  const found = resources.find(resource => resource.address === address);
  assert.ok(found, `${address} is planned`);
  return found.values;
}

/** A secret's content, by its name. */
export type SecretOf = (secret: string) => string;

const LONG_ENOUGH: SecretOf = () => 's'.repeat(72);

/** The environment of a program: a function's, or as systemd reads it of the file that the worker is given. */
export async function environmentOf(
  resources: readonly PlannedResource[],
  program: string,
  secretOf = LONG_ENOUGH,
): Promise<Record<string, string>> {
  if (program === 'worker') return workerEnvironment(resources);
  const address = program === 'registry' ? program : `event["${program}"]`;
  const { service_config: services } = valuesOf(resources, `google_cloudfunctions2_function.${address}`) as {
    service_config: [
      {
        environment_variables: Record<string, string>;
        secret_environment_variables: { key: string; secret: string }[];
      },
    ];
  };
  const secrets = services[0].secret_environment_variables.map(({ key, secret }) => [key, secretOf(secret)]);
  return { ...services[0].environment_variables, ...Object.fromEntries(secrets) };
}

/** The metadata of the machine that is a worker, or of those of the fleet. */
export function workerMetadata(resources: readonly PlannedResource[]): Readonly<Record<string, string>> {
  const worker = resources.find(({ type }) =>
    /^google_compute_(?:instance|region_instance_template)$/.test(type),
  );
  assert.ok(worker, 'there is a worker');
  return worker.values['metadata'] as Record<string, string>;
}

async function workerEnvironment(resources: readonly PlannedResource[]): Promise<Record<string, string>> {
  const metadata = workerMetadata(resources);
  // In double quotes a shell takes the same escapes as systemd does (systemd.exec(5), EnvironmentFile).
  const script = `set -a; ${metadata['derivery-environment'] ?? ''} exec env -0`;
  const { stdout } = await execa('env', ['-i', 'sh', '-c', script]);
  const shells = new Set(['PWD', '_', 'SHLVL', 'OLDPWD']);
  return Object.fromEntries(
    stdout
      .split('\0')
      .filter(line => line !== '')
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
      .filter(([name]) => !shells.has(name)),
  );
}
