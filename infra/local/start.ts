// `npm start`: sets up what is missing, then runs a whole Derivery on this machine until it is told to stop.
import { ConfigurationError } from '#core/errors.ts';
import type { NamedSource } from '#core/nixery-settings.ts';
import { sourceKinds, withDefaultSource } from '#core/source-rules.ts';
import { readChoices, type Choices } from './command-line.ts';
import { checkPort } from './loopback.ts';
import { thisMachine } from './machine.ts';
import { nixVersion } from './nix.ts';
import { installPrerequisites } from './prerequisites.ts';
import { chooseSource, parseWantedSource, type WantedSource } from './source-choice.ts';
import { StartError } from './start-error.ts';
import { openStateFolder, type StateFolder } from './state-folder.ts';
import { untilStopRequested } from './stop-request.ts';
import { Supervisor } from './supervisor.ts';
import { startSystem, STOP_ORDER } from './system.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { prepareWorker } from './worker-environment.ts';

process.exit(await main());

/** The exit code: 0 where the person stopped it. */
async function main(): Promise<number> {
  try {
    const choices = readChoices(process.argv, process.env);
    await run(choices, createTerminal(choices.logFormat, process.stdout));
    return 0;
  } catch (error) {
    const expected = error instanceof StartError || error instanceof ConfigurationError;
    console.error(expected ? `derivery: ${error.message}` : error);
    return 1;
  }
}

/** Returns when the person wants it to stop; throws where it cannot start or go on. */
async function run(choices: Choices, terminal: Terminal): Promise<void> {
  const wanted = await blaming(choices.source, () => parseWantedSource(choices.source.source));
  const state = await openStateFolder(choices.state);
  const supervisor = new Supervisor({
    onLine: terminal.programLine,
    onNotice: terminal.warning,
    onProcesses: state.recordProcesses,
    inherited: [state.lock],
  });
  const stopping = new AbortController();
  const stopRequested = untilStopRequested(() => supervisor.kill()).then(() => {
    stopping.abort();
    terminal.progress('Stopping');
  });
  try {
    const up = bringUp({ choices, wanted, state, supervisor, terminal, signal: stopping.signal });
    await Promise.race([up, supervisor.broken, stopRequested]);
    await Promise.race([supervisor.broken, stopRequested]);
  } finally {
    await supervisor.stop(STOP_ORDER);
    await state.forgetProcesses();
  }
}

interface Start {
  readonly choices: Choices;
  readonly wanted: WantedSource | undefined;
  readonly state: StateFolder;
  readonly supervisor: Supervisor;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

async function bringUp({ choices, wanted, state, supervisor, terminal, signal }: Start): Promise<void> {
  await checkPort(choices.port);
  const machine = await thisMachine();
  const ofRules = choices.sources.map(({ kind }) => kind);
  await installPrerequisites(
    new Set([wanted?.source.kind ?? 'auto', ...ofRules]),
    machine,
    terminal.progress,
  );
  const channels = process.env['DERIVERY_CHANNELS_URL'];
  const { reason, setting: source } = await blaming(choices.source, () =>
    chooseSource(wanted, { nixVersion, channels }),
  );
  terminal.progress(`Packages come from ${source}: ${reason}`);
  const kinds = sourceKinds(choices.sources, source);
  await installPrerequisites(kinds, machine, terminal.progress);
  const workerEnvironment = await prepareWorker(kinds, state, terminal.progress, signal);
  terminal.progress('Starting the registry, the worker and what stands in for Google Cloud');
  const port = await startSystem(supervisor, { port: choices.port, state, source, workerEnvironment });
  terminal.ready({
    address: `localhost:${port}`,
    source,
    reason,
    tags: withDefaultSource(choices.sources, source).map(({ tags }) => tags.text),
    state: state.root,
  });
}

/** Has what is wrong with the package source say which variable it was chosen by. */
async function blaming<T>({ variable }: NamedSource, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    throw new ConfigurationError(`${variable}: ${error.message}`);
  }
}
