// Requests for a manifest that an instance has at hand, beside servers that only answer.
import assert from 'node:assert/strict';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '#test/functions/registry/ready-image.ts';
import { measureLoad, type LoadFigures } from './load.ts';
import { BARE, EMPTY, registryFunction, startServer, type MeasuredServer } from './measured-server.ts';
import { READY_MANIFEST } from './ready-manifest.ts';
import type { Measure, Section } from './section.ts';
import { median, spread } from './statistics.ts';
import type { Workplace } from './workplace.ts';

const ROUNDS = 7;
const SECONDS = 0.8;
/** One shows how long a request takes; many, what a busy instance can do. */
const CONNECTIONS = [1, 64];

const BASELINES = { 'node:http': 'bare server', 'functions-framework': 'empty function' } as const;
const GENERATOR_LIMIT = 'no HTTP server';

const MEASURES: readonly Measure[] = [
  { key: 'requestsPerSecond', heading: 'req/s', decimals: 0, isCompared: true },
  { key: 'spreadPercent', heading: 'spread %', decimals: 0, isCompared: false },
  { key: 'cpu', heading: 'CPU µs', decimals: 0, isCompared: true },
  { key: 'p50', heading: 'p50 ms', decimals: 2, isCompared: true },
  { key: 'p99', heading: 'p99 ms', decimals: 2, isCompared: true },
];

interface Target {
  readonly server: MeasuredServer;
  readonly path: string;
}
type Targets = Readonly<Record<string, Target>>;

interface Figures extends LoadFigures {
  /** Processor time of the server for a request. Microseconds. */
  readonly cpu: number;
}
type ServerKind = keyof typeof BASELINES;

/** On Node's own server beside one that answers the same bytes, and through functions-framework beside an empty function. */
export async function measureRequests(
  _place: Workplace,
  progress: (text: string) => void,
): Promise<Section[]> {
  await using cloud = await Cloud.start();
  const { name, image } = await readyImage(cloud, READY_MANIFEST);
  await using limit = await startServer('no HTTP server');
  const sections: Section[] = [];
  for (const kind of ['node:http', 'functions-framework'] as const) {
    await using baseline = await startServer(kind, kind === 'node:http' ? BARE : EMPTY);
    await using registry = await startServer(kind, registryFunction());
    const manifests = `/v2/${name}/manifests`;
    const targets: Targets = {
      [BASELINES[kind]]: { server: baseline, path: '/' },
      'manifest by digest': { server: registry, path: `${manifests}/${image.manifest.digest}` },
      'manifest by tag': { server: registry, path: `${manifests}/latest` },
      [GENERATOR_LIMIT]: { server: limit, path: '/' },
    };
    for (const reference of ['latest', image.manifest.digest]) {
      const answer = await fetch(`http://127.0.0.1:${registry.port}${manifests}/${reference}`);
      assert.equal(await answer.text(), READY_MANIFEST);
    }
    progress(`requests on ${kind}: warming up`);
    await measureInTurn(targets, 16, 1);
    for (const connections of CONNECTIONS) {
      progress(`requests on ${kind}, ${connections} at a time, ${ROUNDS} rounds`);
      sections.push(toSection(kind, connections, await measureInTurn(targets, connections, ROUNDS)));
    }
  }
  return sections;
}

/** All targets, one after the other, round after round: what else the machine does hits all alike. */
async function measureInTurn(
  targets: Targets,
  connections: number,
  rounds: number,
): Promise<Map<string, Figures[]>> {
  const measured = new Map<string, Figures[]>(Object.keys(targets).map(label => [label, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [label, { server, path }] of Object.entries(targets)) {
      const before = server.cpuTime();
      const load = await measureLoad(`http://127.0.0.1:${server.port}${path}`, connections, SECONDS);
      measured.get(label)?.push({ ...load, cpu: (server.cpuTime() - before) / load.requests });
    }
  }
  return measured;
}

function toSection(
  kind: ServerKind,
  connections: number,
  measured: ReadonlyMap<string, readonly Figures[]>,
): Section {
  const rows = [...measured].map(([label, rounds]) => {
    const rates = rounds.map(({ requestsPerSecond }) => requestsPerSecond);
    const figures = {
      requestsPerSecond: median(rates),
      spreadPercent: 100 * spread(rates),
      cpu: median(rounds.map(({ cpu }) => cpu)),
      p50: median(rounds.map(({ p50 }) => p50)),
      p99: median(rounds.map(({ p99 }) => p99)),
    };
    return { label, figures };
  });
  return {
    title: `Warm manifests on ${kind}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    baseline: BASELINES[kind],
    measures: MEASURES,
    rows,
    notes: [
      `Medians of ${ROUNDS} rounds of ${SECONDS} s, all rows in turn; spread: between the best and the worst round.`,
      kind === 'node:http'
        ? `The bare server answers the same ${READY_MANIFEST.length} bytes to whatever is asked.`
        : 'The empty function answers nothing at all.',
      'CPU: what the server took of it for a request; it says most on a machine that others use too.',
      `The load generator has a process of its own on the same cores; "${GENERATOR_LIMIT}" shows its limit.`,
    ],
  };
}
