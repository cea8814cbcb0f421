// `npm run test:soak`: a whole Derivery under random pulls and faults, judged by all that happened.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { installPrerequisites } from '#local/prerequisites.ts';
import { thisMachine } from '#local/machine.ts';
import { randomOf } from '#test/random.ts';
import { readCommits } from './commits.ts';
import { createDrive } from './drive.ts';
import { openHistory } from './history.ts';
import { watchMemory } from './memory.ts';
import { planOf } from './plan.ts';
import { judge } from './promises/judge.ts';
import { openRealClients } from './real-clients.ts';
import { reportOf } from './report.ts';
import { untilCollected, untilIdle } from './settle.ts';
import { leftovers, readState } from './state.ts';
import { startWorld } from './world.ts';

process.exitCode = await main();

/** 1 where a promise was broken. */
async function main(): Promise<number> {
  const { minutes, seed, realClients, folder: given, keep } = readOptions();
  console.log(`soak: --seed ${seed} --minutes ${minutes}`);
  await installPrerequisites(new Set(['debian']), await thisMachine(), console.error);
  // Google's clients look for a metadata server otherwise, and wait for it.
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  const folder = given === undefined ? await mkdtemp(join(tmpdir(), 'derivery-soak-')) : resolve(given);
  await mkdir(folder, { recursive: true });
  console.log(`soak: history, commits and logs are in ${folder}`);

  const plan = planOf(minutes, randomOf(seed));
  const history = openHistory(join(folder, 'history.jsonl'));
  history.note({ kind: 'run', seed, minutes });
  const { left, states, isIdle } = await run();
  const commits = readCommits(join(folder, 'commits.jsonl'));
  const violations = judge({ history: history.noted, commits, states, left, isIdle });
  const report = reportOf(history.noted, commits, states.calm, violations);
  await writeFile(join(folder, 'report.txt'), report);
  console.log(report);
  if (violations.length > 0)
    console.log(`\nsoak: again by npm run test:soak -- --seed ${seed} --minutes ${minutes}`);
  else if (!keep && given === undefined) await rm(folder, { recursive: true, force: true });
  return violations.length > 0 ? 1 : 0;

  async function run() {
    const endOnSignals = watchSignals();
    await using world = await endOnSignals(startWorld(folder, history));
    await using clients = await endOnSignals(openRealClients(folder));
    const drive = createDrive(world, realClients ? clients.all : []);
    const memory = watchMemory(world);
    console.log('soak: all is started');
    await drive.carryOut(plan);
    console.log('soak: the last fault is over; every name is pulled once more');
    await drive.pullAll(plan.names);
    const calm = await untilIdle(world, drive);
    memory.stop();
    const atRest = await readState(world, { hashed: true });
    console.log('soak: all is at rest; what is left over is collected');
    const collected = await untilCollected(world, drive);
    await world.programs.stop(name => name.startsWith('worker'));
    return { isIdle: calm, states: { calm: atRest, collected }, left: await leftovers(world) };
  }
}

/** Programs and file systems do not outlive a run that is broken off, those neither that are being started. */
function watchSignals(): <Started extends AsyncDisposable>(starting: Promise<Started>) => Promise<Started> {
  const all: Promise<AsyncDisposable>[] = [];
  const end = async (): Promise<void> => {
    console.error('soak: broken off; all that was started is ended');
    for (const starting of all.toReversed()) {
      // What could not be started has ended what it was made of.
      const started = await starting.catch(() => undefined);
      await started?.[Symbol.asyncDispose]();
    }
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end());
  return starting => {
    all.push(starting);
    return starting;
  };
}

function readOptions() {
  return new Command('npm run test:soak --')
    .description(
      'Pulls from a whole Derivery while everything that it is made of fails, and looks whether it keeps its promises.',
    )
    .option('--minutes <number>', 'how long things fail; to settle takes a few minutes more', positive, 5)
    .addOption(
      new Option('--seed <number>', 'what happens and when')
        .argParser(whole)
        .default(newSeed(), 'a random one, which is printed'),
    )
    .option('--no-real-clients', 'leave out skopeo and podman, which are used where they are installed')
    .option(
      '--folder <path>',
      'where history, commits and logs are written and stay; without it a new folder, which is removed where every promise was kept',
    )
    .option('--keep', 'keep the folder', false)
    .parse()
    .opts<{ minutes: number; seed: number; realClients: boolean; folder?: string; keep: boolean }>();
}

function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0');
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number');
  return value;
}
