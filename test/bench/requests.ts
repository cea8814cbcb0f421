// Requests for a manifest that is there, beside an empty function on the same functions-framework.
import assert from 'node:assert/strict';
import { pullManifest } from '#test/e2e/oci-client.ts';
import { startBareServer, startEmptyFunction } from './baseline-server.ts';
import { measureLoad, type LoadFigures } from './load.ts';
import { IMAGE, READY_STATE } from './pulls.ts';
import type { Measure, Section } from './section.ts';
import { median, spread } from './statistics.ts';
import type { Workplace } from './workplace.ts';

const ROUNDS = 5;
const SECONDS = 0.8;
/** One shows how long a request takes; many, what a busy instance can do. */
const CONNECTIONS = [1, 16];

const EMPTY_FUNCTION = 'empty function';

const MEASURES: readonly Measure[] = [
  { key: 'requestsPerSecond', heading: 'req/s', decimals: 0, isCompared: true },
  { key: 'spreadPercent', heading: 'spread %', decimals: 0, isCompared: false },
  { key: 'p50', heading: 'p50 ms', decimals: 2, isCompared: true },
  { key: 'p99', heading: 'p99 ms', decimals: 2, isCompared: true },
];

type Targets = Readonly<Record<string, string>>;

/** Pulls the image first, where it is not there yet. */
export async function measureRequests(
  place: Workplace,
  progress: (text: string) => void,
): Promise<Section[]> {
  progress('starting a system for requests');
  const system = await place.start(READY_STATE);
  await using emptyFunction = await startEmptyFunction();
  await using bareServer = await startBareServer();
  progress(`pulling ${IMAGE}, which is built where it is not there yet`);
  const { digest } = await pullManifest(system.registry, IMAGE);
  const again = await pullManifest(system.registry, IMAGE, { reference: digest });
  assert.equal(again.digest, digest, 'the manifest is the same by tag and by digest');

  const manifests = `http://${system.registry}/v2/${IMAGE}/manifests`;
  const targets: Targets = {
    [EMPTY_FUNCTION]: emptyFunction.address,
    'manifest by digest': `${manifests}/${digest}`,
    'manifest by tag': `${manifests}/latest`,
    'bare socket server': bareServer.address,
  };
  progress('requests: warming up');
  await measureInTurn(targets, CONNECTIONS[0] ?? 1, 1);
  const sections: Section[] = [];
  for (const connections of CONNECTIONS) {
    const title = `Requests on ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    progress(`${title}, ${ROUNDS} rounds`);
    sections.push(toSection(title, await measureInTurn(targets, connections, ROUNDS)));
  }
  await system.stop();
  return sections;
}

/** All targets, one after the other, round after round: what else the machine does hits all alike. */
async function measureInTurn(
  targets: Targets,
  connections: number,
  rounds: number,
): Promise<Map<string, LoadFigures[]>> {
  const measured = new Map<string, LoadFigures[]>(Object.keys(targets).map(label => [label, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [label, address] of Object.entries(targets)) {
      measured.get(label)?.push(await measureLoad(address, connections, SECONDS));
    }
  }
  return measured;
}

function toSection(title: string, measured: ReadonlyMap<string, readonly LoadFigures[]>): Section {
  const rows = [...measured].map(([label, rounds]) => {
    const rates = rounds.map(({ requestsPerSecond }) => requestsPerSecond);
    const figures = {
      requestsPerSecond: median(rates),
      spreadPercent: 100 * spread(rates),
      p50: median(rounds.map(({ p50 }) => p50)),
      p99: median(rounds.map(({ p99 }) => p99)),
    };
    return { label, figures };
  });
  return {
    title,
    baseline: EMPTY_FUNCTION,
    measures: MEASURES,
    rows,
    notes: [
      `Medians of ${ROUNDS} rounds of ${SECONDS} s, all rows in turn; spread: between the best and the worst round.`,
      'Functions run under functions-framework. By tag: two reads from Firestore, by digest: one; its stand-in and the',
      "load generator share the machine's cores. The bare socket server shows the generator's own limit.",
    ],
  };
}
