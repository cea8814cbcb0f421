// `npm test`: installs what the tests need, then runs all but those that have a run of their own, or those below the paths given.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StartError } from '#local/start-error.ts';
import { thisMachine } from '#local/machine.ts';
import { installPrerequisites } from '#local/prerequisites.ts';
import { installTools } from './tools.ts';

/** A test that hangs is ended with its name, well before the whole run would be. `--minutes`, where a file takes longer. */
const TEST_LIMIT_MINUTES = 5;

/**
 * What has a run of its own. `npm run test:faults`: programs are killed at each of their steps, which takes minutes.
 * `npm run test:infra`: Terraform, which not every machine has. `npm run test:vm`: a Debian 13 that is made for it.
 * `npm run test:bundles`: what is deployed, which npm installs.
 */
const APART = ['faults', 'infra/terraform', 'infra/worker-vm', 'bundles'].map(folder =>
  join(import.meta.dirname, folder),
);

/** More files at a time than there are cores: many wait for what other programs do. */
const AT_A_TIME = availableParallelism() + 1;

/** Programs are started some hundred times, and what they load is the same: it is compiled once. Keyed by content. */
const COMPILED = resolve(import.meta.dirname, '../node_modules/.cache/derivery-compiled');

const {
  positionals: paths,
  values: { help, minutes = TEST_LIMIT_MINUTES },
} = parseArgs({
  allowPositionals: true,
  options: { help: { type: 'boolean' }, minutes: { type: 'string' } },
});
if (help === true) {
  console.log(`npm test              all tests but those that follow
npm run test:faults   those of faults
npm run test:infra    those of Terraform
npm run test:vm       those of the worker's machine
npm run test:bundles  those of what is deployed
npm run test:soak     none of those: random pulls while everything fails
npm test -- PATH...   those in these files and folders`);
  process.exit(0);
}

try {
  await installPrerequisites(new Set(['debian']), await thisMachine(), console.error);
  await installTools(console.error);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  console.error(`npm test: ${error.message}`);
  process.exit(1);
}

const files =
  paths.length === 0
    ? testsBelow(import.meta.dirname).filter(file => !APART.some(folder => file.startsWith(`${folder}/`)))
    : paths.flatMap(path => (path.endsWith('.ts') ? [resolve(path)] : testsBelow(resolve(path))));
if (files.length === 0) {
  console.error(`npm test: there is no test below ${paths.join(', ')}`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${AT_A_TIME}`, `--test-timeout=${Number(minutes) * 60_000}`, ...files],
  {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, METADATA_SERVER_DETECTION: 'none' },
  },
);
process.exit(status ?? 1);

function testsBelow(folder: string): string[] {
  return globSync(join(folder, '**/*.test.ts')).toSorted();
}
