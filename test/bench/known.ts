// New combinations of known packages: by what is kept of them, and with that deleted, by Nix.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pullManifest } from '#test/e2e/oci-client.ts';
import type { LocalSystem } from '#test/e2e/local-system.ts';
import type { Measure, Row, Section } from './section.ts';
import { median } from './statistics.ts';
import type { Workplace } from './workplace.ts';

/** All that is combined. */
const PACKAGES = ['git', 'curl', 'jq', 'python3', 'sqlite', 'which', 'hello'];

/** Images of each kind. */
const IMAGES = 10;

const DELETED = 'nothing kept';

const MEASURES: readonly Measure[] = [
  { key: 'images', heading: 'images', decimals: 0, isCompared: false },
  { key: 'plan', heading: 'resolve and plan s', decimals: 3, isCompared: true },
  { key: 'ready', heading: 'claim to ready s', decimals: 3, isCompared: true },
];

type Timing = Readonly<Record<'plan' | 'ready', number>>;

/** Makes images by turns with what is kept and without, on one system whose store has all packages. */
export async function measureKnown(place: Workplace, progress: (text: string) => void): Promise<Section> {
  progress('starting a system for known packages');
  const system = await place.start('known-packages');
  const all = ['shell', ...PACKAGES].join('/');
  progress(`making all packages known: ${all}`);
  await pullManifest(system.registry, all);

  const kept = join(system.state, 'spool/known');
  const away = join(system.state, 'known-away');
  const withKept: Timing[] = [];
  const without: Timing[] = [];
  const names = combinations(2 * IMAGES);
  progress(`making ${names.length} images of some of them`);
  for (const [index, name] of names.entries()) {
    if (index % 2 === 0) {
      withKept.push(await make(system, name));
    } else {
      await rename(kept, away);
      without.push(await make(system, name));
      await rm(kept, { recursive: true });
      await rename(away, kept);
    }
  }
  await system.stop();
  return {
    title: 'New combinations of known packages',
    baseline: DELETED,
    measures: MEASURES,
    rows: [rowOf(DELETED, without), rowOf('packages known', withKept)],
    notes: [
      'Medians over images that nobody asked for before, made by turns; all their packages are in the store, and all layers but that of links are packed.',
      'Resolve and plan: from the claim to the first layer. Both as the worker logs it.',
    ],
  };
}

/** Names that differ, each of a shell and two packages or more. */
function combinations(count: number): string[] {
  const names: string[] = [];
  for (let bits = 1; names.length < count; bits++) {
    const some = PACKAGES.filter((_, index) => (bits & (1 << index)) !== 0);
    if (some.length > 1 && some.length < PACKAGES.length) names.push(['shell', ...some].join('/'));
  }
  return names;
}

async function make(system: LocalSystem, name: string): Promise<Timing> {
  const since = system.lines.length;
  await pullManifest(system.registry, name);
  const line = await system.waitFor('build published', since);
  const seconds = (what: string): number | undefined => {
    const text = new RegExp(`\\b${what}"?[=:](?<seconds>[\\d.]+)`).exec(line)?.groups?.['seconds'];
    return text === undefined ? undefined : Number(text);
  };
  const [resolving, ready] = [seconds('resolving'), seconds('seconds')];
  if (resolving === undefined || ready === undefined) {
    throw new Error(`the worker does not say how long the build took: ${line}`);
  }
  // Where all is known nothing is built, and from the second image on no snapshot is waited for.
  return { plan: resolving + (seconds('building') ?? 0) + (seconds('planning') ?? 0), ready };
}

function rowOf(label: string, timings: readonly Timing[]): Row {
  const of = (key: keyof Timing): number => median(timings.map(timing => timing[key]));
  return { label, figures: { images: timings.length, plan: of('plan'), ready: of('ready') } };
}
