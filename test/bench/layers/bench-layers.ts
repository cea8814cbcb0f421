// `npm run bench:layers`: what the planner of layers saves beside others, by simulation on a real dependency graph.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { chartOf } from './chart.ts';
import { measureIn } from './measure.ts';
import { readPackageGraph } from './package-graph.ts';
import { PLANNERS } from './planners/all.ts';
import { tableOf, type Row } from './table.ts';
import { WORKLOADS, type WorkloadName } from './workload.ts';

const DOCS = join(import.meta.dirname, '../../../docs');

const HELP = `
Workloads: ${Object.entries(WORKLOADS)
  .map(([name, { title }]) => `${name} (${title})`)
  .join(', ')}.

The same seed gives the same figures, but for times. Takes about three minutes. docs/layers.md says what is measured.`;

interface Options {
  readonly seed: number;
  readonly only?: readonly WorkloadName[];
  readonly write?: boolean;
}

const { seed, only, write }: Options = new Command('npm run bench:layers --')
  .description('Simulates pulls of images whose layers several planners have planned.')
  .option('--seed <number>', 'seed of the random numbers', wholeNumber, 1)
  .addOption(new Option('--only <workload...>', 'these workloads only').choices(Object.keys(WORKLOADS)))
  .addOption(new Option('--write', 'puts tables and chart into docs/layers.md').conflicts('only'))
  .addHelpText('after', HELP)
  .allowExcessArguments(false)
  .parse()
  .opts();

const graph = readPackageGraph();
const sections: string[] = [];
const measured = new Map<string, readonly Row[]>();
for (const [name, shape] of Object.entries(WORKLOADS)) {
  if (only?.every(wanted => wanted !== name) === true) continue;
  const measure = measureIn(graph, shape, seed);
  const rows = PLANNERS.map(planner => {
    console.error(`${shape.title}: ${planner.title}`);
    return { planner: planner.title, figures: measure(planner) };
  });
  measured.set(name, rows);
  const section = `### ${shape.title}\n\n${tableOf(rows)}`;
  sections.push(section);
  if (write !== true) console.log(`${section}\n`);
}
if (write === true) await writeDocs();

async function writeDocs(): Promise<void> {
  const panels = (['base', 'heavy'] as const).map(name => ({
    title: WORKLOADS[name].title,
    rows: measured.get(name) ?? [],
  }));
  await writeFile(join(DOCS, 'layers.svg'), chartOf(panels));
  const page = join(DOCS, 'layers.md');
  const text = await readFile(page, 'utf8');
  const [start, end] = ['<!-- figures -->', '<!-- end of figures -->'].map(mark => text.indexOf(mark));
  if (start === undefined || end === undefined || start < 0 || end < start) {
    throw new Error(`${page} has no place for figures`);
  }
  const figures = `<!-- figures -->\n\nSeed ${seed}.\n\n${sections.join('\n\n')}\n\n`;
  await writeFile(page, `${text.slice(0, start)}${figures}${text.slice(end)}`);
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number.');
}
