// `npm test`: installs what the tests need, then runs them all, or those below the paths given.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { StartError } from '#local/start-error.ts';
import { thisMachine } from '#local/machine.ts';
import { installPrerequisites } from '#local/prerequisites.ts';
import { installTools } from './tools.ts';

/** A test that hangs is ended with its name, well before the whole run would be. Milliseconds. */
const TEST_LIMIT_MS = 300_000;

/** Programs are started some hundred times, and what they load is the same: it is compiled once. Keyed by content. */
const COMPILED = resolve(import.meta.dirname, '../node_modules/.cache/derivery-compiled');

const paths = process.argv.slice(2);
if (paths.includes('--help')) {
  console.log('npm test              all tests\nnpm test -- PATH...   those in these files and folders');
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

const patterns = (paths.length === 0 ? [import.meta.dirname] : paths).map(path =>
  path.endsWith('.ts') ? resolve(path) : join(resolve(path), '**/*.test.ts'),
);
const { status } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${availableParallelism()}`, `--test-timeout=${TEST_LIMIT_MS}`, ...patterns],
  {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, METADATA_SERVER_DETECTION: 'none' },
  },
);
process.exit(status ?? 1);
