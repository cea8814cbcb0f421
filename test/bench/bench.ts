// `npm run bench`: how long pulls take and what a warm registry answers, on a whole local system, as tables with ratios.
import { once } from 'node:events';
import { Command, Option } from 'commander';
import { measureColdStart } from './cold-start.ts';
import { describeMachine, formatMachine, type MachineFacts } from './machine.ts';
import { measurePacking } from './packing/packing.ts';
import { measureKnown } from './known.ts';
import { measurePulls } from './pulls.ts';
import { measureRequests } from './requests.ts';
import { formatSection, ratiosOf, type Section } from './section.ts';
import { measureWaiting } from './waiting.ts';
import { openWorkplace, type Workplace } from './workplace.ts';

type Part = (place: Workplace, progress: (text: string) => void) => Promise<Section | Section[]>;

const PARTS: Readonly<Record<string, Part>> = {
  pulls: measurePulls,
  packing: measurePacking,
  known: measureKnown,
  requests: measureRequests,
  'cold-start': measureColdStart,
  waiting: measureWaiting,
};

const HELP = `
Parts:
  pulls      first pull with the Nix store empty and full, the same again, new combinations
  packing    layers packed and stored, beside pigz with the same bytes; one package more; memory for large layers
  known      new combinations of known packages, by what is kept of them and by Nix
  requests   warm manifests: on node:http beside a bare server, through the framework beside an empty function
  cold-start from the start of an instance's process to its first answer, beside an empty function
  waiting    memory and listeners of an instance on which 1,000 pulls wait, and its answers to others

Everything runs on this machine, in a folder that is removed afterwards: a system of its own with the bundled
Debian packages, which are fetched first; packing takes what the tests have in their cache. Takes about four
minutes. Nothing is asserted: ratios are to a baseline of the same run, and mean more than the figures.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { only, json } = readOptions();
  const machine = describeMachine();
  await using place = await openWorkplace();
  const interrupted = once(process, 'SIGINT').then(() => undefined);
  const sections = await Promise.race([runParts(only ?? Object.keys(PARTS), place), interrupted]);
  if (sections === undefined) {
    progress('stopping');
    return 130;
  }
  console.log(json ? toJson(machine, sections) : toText(machine, sections));
  return 0;
}

function readOptions(): { readonly only?: readonly string[]; readonly json?: boolean } {
  const only = new Option('--only <part...>', 'runs these parts only').choices(Object.keys(PARTS));
  return new Command('npm run bench --')
    .description('Measures a local Derivery: pulls, and requests on a warm registry.')
    .addOption(only)
    .option('--json', 'prints the figures as JSON (add --silent to npm)')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .parse()
    .opts();
}

async function runParts(names: readonly string[], place: Workplace): Promise<Section[]> {
  const sections: Section[] = [];
  for (const [name, measure] of Object.entries(PARTS)) {
    if (names.includes(name)) sections.push(...[await measure(place, progress)].flat());
  }
  return sections;
}

/** On stderr, with the time since the start. */
function progress(text: string): void {
  const seconds = Math.round(performance.now() / 1000);
  console.error(`${String(seconds).padStart(4)} s  ${text}`);
}

function toText(machine: MachineFacts, sections: readonly Section[]): string {
  return ['', `Machine: ${formatMachine(machine)}`, ...sections.map(formatSection)].join('\n\n');
}

function toJson(machine: MachineFacts, sections: readonly Section[]): string {
  const results = sections.map(section => ({
    title: section.title,
    baseline: section.baseline,
    rows: section.rows.map(row => ({ ...row, ratios: ratiosOf(section, row) })),
  }));
  return JSON.stringify({ machine, sections: results }, null, 2);
}
