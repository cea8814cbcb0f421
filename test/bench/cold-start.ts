// How long an instance takes from the start of its process to its first answer.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAll } from '#build/build-all.ts';
import { Cloud } from '#test/cloud.ts';
import { EMPTY, registryFunction, startServer, type ServedFunction } from './measured-server.ts';
import type { Measure, Section } from './section.ts';
import { median, spread } from './statistics.ts';
import type { Workplace } from './workplace.ts';

const ROUNDS = 7;

const EMPTY_FUNCTION = 'empty function';

const MEASURES: readonly Measure[] = [
  { key: 'firstAnswer', heading: 'first /v2/ ms', decimals: 0, isCompared: true },
  { key: 'more', heading: 'more ms', decimals: 0, isCompared: false },
  { key: 'spreadPercent', heading: 'spread %', decimals: 0, isCompared: false },
];

const ROOT = join(import.meta.dirname, '../..');

/** Starts each in turn, under functions-framework. */
export async function measureColdStart(
  _place: Workplace,
  progress: (text: string) => void,
): Promise<Section> {
  await using cloud = await Cloud.start();
  void cloud;
  // Inside of the project, where Node finds the packages that stay outside of a bundle.
  const caches = join(ROOT, 'node_modules/.cache');
  await mkdir(caches, { recursive: true });
  const dist = await mkdtemp(join(caches, 'derivery-bundles-'));
  await using removed = new AsyncDisposableStack();
  removed.defer(() => rm(dist, { recursive: true }));
  await buildAll(ROOT, dist);
  const functions: Readonly<Record<string, ServedFunction>> = {
    [EMPTY_FUNCTION]: EMPTY,
    'registry, bundled': registryFunction({}, join(dist, 'functions/index.mjs')),
    'registry, from its sources': registryFunction(),
  };
  progress(`cold starts, ${ROUNDS} rounds`);
  const measured = new Map<string, number[]>(Object.keys(functions).map(label => [label, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [label, served] of Object.entries(functions)) {
      await using server = await startServer('functions-framework', served);
      measured.get(label)?.push(server.firstAnswerMs);
    }
  }
  const least = median(measured.get(EMPTY_FUNCTION) ?? []);
  return {
    title: 'Cold start',
    baseline: EMPTY_FUNCTION,
    measures: MEASURES,
    rows: [...measured].map(([label, times]) => {
      const firstAnswer = median(times);
      return {
        label,
        figures: { firstAnswer, more: firstAnswer - least, spreadPercent: 100 * spread(times) },
      };
    }),
    notes: [
      'From the start of the process to the first answered /v2/, under functions-framework.',
      `Medians of ${ROUNDS} starts, in turn.`,
    ],
  };
}
