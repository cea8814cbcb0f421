// Terraform with a copy of the root module, and the stand-in for its provider: nothing of it leaves this machine.
import { cp, mkdtemp, realpath, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { execa } from 'execa';
import { startOfflineProvider, type Applied } from '../terraform-offline/provider.ts';

export const ROOT_MODULE = resolve(import.meta.dirname, '../../../infra');

/** What is not the module's in its folder: other programs, and somebody's own deployment. */
const NOT_TERRAFORM = new Set([
  'local',
  'backend.tf',
  'terraform.tfvars',
  '.terraform',
  '.terraform.lock.hcl',
  'terraform.tfstate',
  'terraform.tfstate.backup',
]);

export interface Terraform {
  /** The copy of the root module. */
  readonly folder: string;
  /** Runs a command; answers its exit code and all that it printed. */
  run(...args: readonly string[]): Promise<Ran>;
  /** What an expression comes to, with these variables, before anything is there. */
  evaluate(expression: string, ...variables: readonly string[]): Promise<Ran>;
  /** What was applied since this was opened, in order. */
  readonly applied: readonly Applied[];
}

export interface Ran {
  readonly exitCode: number | undefined;
  /** As one line: Terraform wraps its sentences, and draws a line beside them. */
  readonly text: string;
  readonly stdout: string;
}

/** The reason to skip tests where there is no Terraform, else false. */
export async function skipWithoutTerraform(): Promise<string | false> {
  const { failed } = await execa('terraform', ['version'], { reject: false });
  return failed ? 'not compared: terraform is not installed' : false;
}

/** The variables that a deployment needs, and bundles that are there. */
export const NEEDED = [
  '-var=project=demo-project',
  '-var=region=europe-west1',
  '-var=bundle_dir=tests/bundles',
];

/** Opens a copy of the root module, initialised; it is removed when the file's tests are over. */
export async function openTerraform(): Promise<Terraform> {
  // Terraform follows no symbolic link in the socket's path.
  const work = await realpath(await mkdtemp(join(tmpdir(), 'derivery-terraform-')));
  const folder = join(work, 'infra');
  await mkdir(folder);
  await cp(ROOT_MODULE, folder, {
    recursive: true,
    filter: source => !NOT_TERRAFORM.has(source.slice(ROOT_MODULE.length + 1)),
  });
  // A state that is kept elsewhere is none of the tests' business.
  await writeFile(join(folder, 'offline_override.tf'), 'terraform {\n  backend "local" {}\n}\n');
  const applied: Applied[] = [];
  const provider = await startOfflineProvider(work, change => void applied.push(change));
  after(async () => {
    provider.close();
    await rm(work, { recursive: true });
  });

  async function runWith(input: string, args: readonly string[]): Promise<Ran> {
    const { exitCode, stdout, all } = await execa('terraform', [...args], {
      cwd: folder,
      env: {
        TF_REATTACH_PROVIDERS: provider.reattach,
        TF_IN_AUTOMATION: '1',
        TF_INPUT: '0',
        TF_CLI_ARGS: '-no-color',
        CHECKPOINT_DISABLE: '1',
        // A person's own settings of Terraform.
        TF_CLI_CONFIG_FILE: undefined,
        TF_DATA_DIR: undefined,
        TF_WORKSPACE: undefined,
      },
      input,
      all: true,
      reject: false,
    });
    return { exitCode, stdout, text: all.replaceAll(/[\s│╷╵]+/g, ' ') };
  }

  const run = (...args: readonly string[]): Promise<Ran> => runWith('', args);
  const initialised = await run('init');
  if (initialised.exitCode !== 0) throw new Error(`terraform init: ${initialised.text}`);
  return {
    folder,
    run,
    evaluate: (expression, ...variables) => runWith(expression, ['console', ...variables]),
    applied,
  };
}
