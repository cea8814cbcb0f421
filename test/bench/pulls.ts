// How long pulls take: the first one, the same again, and new combinations of what is known.
import { checkBlobs, pullManifest } from '#test/e2e/oci-client.ts';
import type { LocalSystem } from '#test/e2e/local-system.ts';
import type { Measure, Row, Section } from './section.ts';
import { median } from './statistics.ts';
import type { Workplace } from './workplace.ts';

export const IMAGE = 'shell/git/curl/jq/python3';

/** Of the same packages, each in an order and a selection that was not asked for before. */
const COMBINATIONS = ['shell/git/python3', 'shell/curl/jq', 'shell/git/jq'];
export const ONE_MORE = `${IMAGE}/sqlite`;
const READY_PULLS = 3;

/** The state folder that pulls leave with the image ready, for what is measured next. */
const READY_STATE = 'full-store';

const EMPTY_STORE = 'first pull, Nix store empty';

const MEASURES: readonly Measure[] = [
  { key: 'pulls', heading: 'pulls', decimals: 0, isCompared: false },
  { key: 'manifestSeconds', heading: 'manifest s', decimals: 3, isCompared: true },
  { key: 'imageSeconds', heading: 'with blobs s', decimals: 3, isCompared: true },
  { key: 'buildSeconds', heading: 'of it build s', decimals: 1, isCompared: false },
  { key: 'newLayers', heading: 'new layers', decimals: 0, isCompared: false },
];

/** Pulls from two systems, one after the other, the second on the Nix store of the first and with nothing else. */
export async function measurePulls(place: Workplace, progress: (text: string) => void): Promise<Section> {
  const row = async (label: string, puller: Puller, names: readonly string[]): Promise<Row> => {
    progress(`${label}: ${[...new Set(names)].join(', ')}`);
    const pulls: PullFigures[] = [];
    for (const name of names) pulls.push(await puller.pull(name));
    return { label, figures: { pulls: pulls.length, ...medians(pulls) } };
  };

  progress('starting a system with nothing in it');
  const empty = await place.start('empty-store');
  const puller = createPuller(empty);
  const first = await row(EMPTY_STORE, puller, [IMAGE]);
  const later = [
    await row('the same again', puller, Array<string>(READY_PULLS).fill(IMAGE)),
    await row('new combination of known packages', puller, COMBINATIONS),
    await row('one package more', puller, [ONE_MORE]),
  ];
  await empty.stop();

  progress('starting a system with that Nix store, and nothing else');
  await place.moveStore('empty-store', READY_STATE);
  const full = await place.start(READY_STATE);
  const fullPuller = createPuller(full);
  const firstOfFull = await row('first pull, Nix store full, nothing packed yet', fullPuller, [IMAGE]);
  await full.stop();

  const { layers, megabytes } = fullPuller.last();
  return {
    title: `Pulls of ${IMAGE}`,
    baseline: EMPTY_STORE,
    measures: MEASURES,
    rows: [first, firstOfFull, ...later],
    notes: [
      `The image has ${layers} layers, ${megabytes.toFixed(1)} MB compressed. Several pulls: medians.`,
      'Blobs are fetched one after the other, and their digests checked. Build: from claim to published, as the worker logs it.',
      `New combinations: ${COMBINATIONS.join(', ')}. One package more: ${ONE_MORE}.`,
    ],
  };
}

type PullFigures = Readonly<Record<string, number>>;

interface Puller {
  pull(name: string): Promise<PullFigures>;
  /** The size of the image that was pulled last. */
  last(): { readonly layers: number; readonly megabytes: number };
}

/** Pulls, and remembers which layers the system has shown. */
function createPuller(system: LocalSystem): Puller {
  const known = new Set<string>();
  let last = { layers: 0, megabytes: 0 };
  return {
    async pull(name) {
      const linesBefore = system.lines.length;
      const startedAt = performance.now();
      const manifest = await pullManifest(system.registry, name);
      const manifestAt = performance.now();
      await checkBlobs(system.registry, name, manifest);
      const imageAt = performance.now();

      const { layers } = manifest;
      const newLayers = layers.filter(({ digest }) => !known.has(digest)).length;
      for (const { digest } of layers) known.add(digest);
      last = { layers: layers.length, megabytes: layers.reduce((sum, { size }) => sum + size, 0) / 1e6 };
      return {
        manifestSeconds: (manifestAt - startedAt) / 1000,
        imageSeconds: (imageAt - startedAt) / 1000,
        newLayers,
        // Without a new layer there was nothing to build: every name has its own layer of links.
        ...(newLayers > 0 && { buildSeconds: await buildSeconds(system, linesBefore) }),
      };
    },
    last: () => last,
  };
}

/** What the worker says of the build that it published after line `since`. */
async function buildSeconds(system: LocalSystem, since: number): Promise<number> {
  const line = await system.waitFor('build published', since);
  const seconds = /\bseconds=(?<seconds>[\d.]+)/.exec(line)?.groups?.['seconds'];
  if (seconds === undefined) throw new Error(`the worker does not say how long the build took: ${line}`);
  return Number(seconds);
}

function medians(pulls: readonly PullFigures[]): PullFigures {
  const keys = Object.keys(pulls[0] ?? {});
  return Object.fromEntries(keys.map(key => [key, median(pulls.map(figures => figures[key] ?? NaN))]));
}
