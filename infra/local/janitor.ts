// `npm run janitor`: collects in the local system that runs what nobody uses any more, or tells what would be.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { ConfigurationError } from '#core/errors.ts';
import { createLog } from '#core/google/log.ts';
import { readSettings } from '#core/google/settings.ts';
import { openJanitor } from '#functions/janitor/open-janitor.ts';
import { readJanitorSettings } from '#functions/janitor/settings.ts';
import { DEFAULT_STATE } from './command-line.ts';
import { reportTable } from './janitor/report-table.ts';
import { readProgramEnvironment, readServices } from './running-system.ts';
import { StartError } from './start-error.ts';
import { createTerminal } from './terminal.ts';

const schema = z.object({ DERIVERY_STATE: z.string().default(DEFAULT_STATE) });

const HELP = `
The janitor runs by itself once a minute, and goes through everything once an hour or once a
day; this goes through everything now, by the settings of the janitor that runs, and tells
what became of it. What is kept for how long, and what goes when: docs/storage.md.

Exit code:
  0  everything was gone through
  1  it was not; what went wrong is told

Environment:
  DERIVERY_STATE   state folder of the system that runs (.derivery/)`;

/** A person waits for it, and may stop it at any moment. Milliseconds. */
const LIMIT_MS = 3_600_000;

process.exit(await main());

async function main(): Promise<number> {
  const command = new Command('npm run janitor --')
    .description('Collects what nobody uses any more in the local system.')
    .option('--dry-run', 'tell what would be done, and do nothing', false)
    .addHelpText('after', HELP)
    .parse(process.argv);
  const { dryRun } = command.opts<{ dryRun: boolean }>();
  try {
    const reports = await collect(resolve(readSettings(schema, process.env).DERIVERY_STATE), dryRun);
    process.stdout.write(reportTable(reports, dryRun));
    return reports.every(({ state, counts }) => state === 'whole' && counts.failed === undefined) ? 0 : 1;
  } catch (error) {
    const expected = error instanceof StartError || error instanceof ConfigurationError;
    console.error(expected ? `derivery: ${error.message}` : error);
    return 1;
  }
}

async function collect(state: string, dryRun: boolean) {
  const environment = await readProgramEnvironment(state, 'janitor');
  Object.assign(process.env, environment, await readServices(state));
  const terminal = createTerminal('text', process.stderr);
  const log = createLog('janitor', { write: line => terminal.programLine('janitor', line) });
  const janitor = openJanitor(readJanitorSettings(process.env), log);
  return janitor.collect({ dryRun, limitMs: LIMIT_MS, restless: true });
}
