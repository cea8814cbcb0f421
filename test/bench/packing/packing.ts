// Packing: the layers of a real image into an empty bucket, beside pigz; one package more; and the memory it takes.
import { execFile } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { BlockPool } from '#worker/pack/block-pool.ts';
import { GZIP } from '#worker/pack/gzip.ts';
import { writeTar } from '#worker/pack/tar.ts';
import { debianSet } from '#test/nix/debian-set.ts';
import { IMAGE, ONE_MORE } from '../pulls.ts';
import type { Measure, Row, Section } from '../section.ts';
import { median } from '../statistics.ts';
import type { Workplace } from '../workplace.ts';
import { packagesOf, type StoredPackages } from './image.ts';
import { runPigz } from './pigz.ts';
import { storeImages, type Stored } from './storing.ts';

const ROUNDS = 5;

/** That of the compressor, which is in its name. */
const LEVEL = 6;

const MB = 1e6;

export async function measurePacking(place: Workplace, progress: (text: string) => void): Promise<Section[]> {
  const folder = await place.folder('packing');
  progress('packing: fetching and building the packages, where they are not in the cache');
  const set = await debianSet();
  const [image, larger] = await packagesOf(set, [IMAGE, ONE_MORE]);
  if (image === undefined || larger === undefined) throw new Error('there are two images');
  const tar = join(folder, 'layers.tar');
  const tarBytes = await writeLayers(image, tar);
  return [
    await besidePigz(image, { folder, tar, tarBytes }, progress),
    await deflateStage(tar, progress),
    await oneMore(image, larger, folder, progress),
    await memory(folder, progress),
  ];
}

/** Writes the tars of all layers, one after the other, to one file. Gives its size. */
async function writeLayers({ plan }: StoredPackages, file: string): Promise<number> {
  let bytes = 0;
  await writeFile(
    file,
    (async function* chunks() {
      for (const layer of plan().layers) {
        for (const chunk of writeTar(await layer.entries())) {
          bytes += chunk.length;
          yield chunk;
        }
      }
    })(),
  );
  return bytes;
}

interface Tars {
  readonly folder: string;
  readonly tar: string;
  readonly tarBytes: number;
}

const TIMES: readonly Measure[] = [
  { key: 'seconds', heading: 's', decimals: 2, isCompared: true },
  { key: 'cpuSeconds', heading: 'cpu s', decimals: 2, isCompared: true },
  { key: 'cloudCpuSeconds', heading: "of it stand-ins'", decimals: 2, isCompared: false },
];

async function besidePigz(
  image: StoredPackages,
  { folder, tar, tarBytes }: Tars,
  progress: (text: string) => void,
): Promise<Section> {
  const cores = availableParallelism();
  const pigz = `pigz -p${cores} -${LEVEL}, result thrown away`;
  const ours: Stored[] = [];
  const theirs: Awaited<ReturnType<typeof runPigz>>[] = [];
  // One round that does not count: it loads code and reads files from the disk.
  for (let round = 0; round <= ROUNDS; round++) {
    progress(`packing: round ${round} of ${ROUNDS}`);
    const stored = await storeImages([image], folder);
    const compressed = await runPigz(tar, LEVEL, cores);
    if (round === 0) continue;
    ours.push(...stored);
    theirs.push(compressed);
  }
  return {
    title: `Layers of ${IMAGE}: everything in the Nix store, nothing packed`,
    baseline: pigz,
    measures: TIMES,
    rows: [
      { label: pigz, figures: medians(theirs, ['seconds', 'cpuSeconds']) },
      {
        label: 'planned, packed, uploaded, published',
        figures: medians(ours, ['seconds', 'cpuSeconds', 'cloudCpuSeconds']),
      },
    ],
    notes: [
      `${image.plan().layers.length} layers, ${(tarBytes / MB).toFixed(0)} MB of tar. Medians of ${ROUNDS} rounds, in turn.`,
      'pigz has the tars of all layers as one file in memory. Ours plans, reads the store, hashes, compresses, spools, uploads,',
      "and publishes the manifest. The stand-ins of Cloud Storage and Firestore take their time on the same cores: it is in ours'.",
    ],
  };
}

async function deflateStage(tar: string, progress: (text: string) => void): Promise<Section> {
  const one = '1 block in flight';
  const counts = { [one]: 1, '4 blocks in flight': 4 };
  const seconds = new Map<string, number[]>();
  for (let round = 1; round <= 3; round++) {
    progress(`packing: blocks in flight, round ${round} of 3`);
    for (const [label, count] of Object.entries(counts)) {
      const startedAt = performance.now();
      for await (const part of GZIP.compress(chunksOf(tar), { pool: new BlockPool(count) })) void part;
      seconds.set(label, [...(seconds.get(label) ?? []), (performance.now() - startedAt) / 1000]);
    }
  }
  return {
    title: 'The deflate stage alone',
    baseline: one,
    measures: [{ key: 'seconds', heading: 's', decimals: 2, isCompared: true }],
    rows: Object.keys(counts).map(label => ({
      label,
      figures: { seconds: median(seconds.get(label) ?? []) },
    })),
    notes: ['On two idle cores the ratio is about 0.5: the other way round, twice as fast.'],
  };
}

function* chunksOf(file: string): Generator<Uint8Array> {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(1 << 18);
    for (;;) {
      const count = readSync(descriptor, buffer);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

async function oneMore(
  image: StoredPackages,
  larger: StoredPackages,
  folder: string,
  progress: (text: string) => void,
): Promise<Section> {
  progress('packing: one package more');
  const [first, second] = await storeImages([image, larger], folder);
  const known = new Set(image.nodes.map(({ path }) => path));
  const added = larger.nodes.filter(({ path }) => !known.has(path));
  const newBytes = added.reduce((sum, { narSize }) => sum + narSize, 0);
  const row = (label: string, stored: Stored | undefined): Row => ({
    label,
    figures: {
      layers: stored?.layersPacked ?? NaN,
      read: (stored?.bytesRead ?? NaN) / MB,
      uploaded: (stored?.bytesUploaded ?? NaN) / MB,
    },
  });
  return {
    title: `One package more: ${ONE_MORE}`,
    baseline: 'the image before',
    measures: [
      { key: 'layers', heading: 'layers packed', decimals: 0, isCompared: false },
      { key: 'read', heading: 'MB packed', decimals: 2, isCompared: true },
      { key: 'uploaded', heading: 'MB uploaded', decimals: 2, isCompared: true },
    ],
    rows: [row('the image before', first), row('with one package more', second)],
    notes: [
      `New in the store are ${added.length} paths of ${(newBytes / MB).toFixed(2)} MB. Packed are the bytes of files that were read; the layer of links has nearly none.`,
    ],
  };
}

const PROGRAM = fileURLToPath(new URL('../../worker/pack/fixtures/pack-folder.ts', import.meta.url));

const figuresSchema = z.object({ tarBytes: z.number(), size: z.number(), peakMiB: z.number() });

async function memory(folder: string, progress: (text: string) => void): Promise<Section> {
  const large = join(folder, 'large');
  await mkdir(large);
  await writeFile(join(large, 'zeros'), '');
  await truncate(join(large, 'zeros'), 5e9);
  const many = join(folder, 'many');
  await mkdir(many);
  await promisify(execFile)('sh', ['-c', 'seq 200000 | xargs touch'], { cwd: many });
  const rows: Row[] = [];
  for (const [label, place] of [
    ['one file of 5 GB', large],
    ['200,000 empty files', many],
  ] as const) {
    progress(`packing: memory for ${label}`);
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, place, folder]);
    const { tarBytes, peakMiB } = figuresSchema.parse(JSON.parse(stdout));
    rows.push({ label, figures: { tarMB: tarBytes / MB, peakMiB } });
  }
  return {
    title: 'Memory for one layer',
    baseline: 'one file of 5 GB',
    measures: [
      { key: 'tarMB', heading: 'MB of tar', decimals: 0, isCompared: false },
      { key: 'peakMiB', heading: 'peak RSS MiB', decimals: 0, isCompared: false },
    ],
    rows,
    notes: ['Of a process that packs it into a spool file and does nothing else.'],
  };
}

function medians<Key extends string>(
  rounds: readonly Readonly<Record<Key, number>>[],
  keys: readonly Key[],
): Record<string, number> {
  return Object.fromEntries(keys.map(key => [key, median(rounds.map(round => round[key]))]));
}
