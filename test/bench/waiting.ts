// What pulls that wait cost one instance, and whether it still answers others meanwhile.
import { readFile } from 'node:fs/promises';
import { Agent, request as sendRequest } from 'node:http';
import { FUNCTION_NODE_OPTIONS } from '#local/local-environment.ts';
import { Cloud } from '#test/cloud.ts';
import { countFirestoreCalls } from '#test/firestore-calls.ts';
import { registryFunction, startServer, type MeasuredServer } from './measured-server.ts';
import type { Measure, Row, Section } from './section.ts';
import { median, percentile } from './statistics.ts';
import type { Workplace } from './workplace.ts';

const PULLS = 1_000;
/** How many images they are of. */
const IMAGES = [1, 100, 1_000];
const PINGS = 300;

const IDLE = 'idle';

const MEASURES: readonly Measure[] = [
  { key: 'memory', heading: 'memory MiB', decimals: 0, isCompared: true },
  { key: 'more', heading: 'over idle MiB', decimals: 0, isCompared: false },
  { key: 'listeners', heading: 'listeners', decimals: 0, isCompared: false },
  { key: 'p50', heading: '/v2/ p50 ms', decimals: 2, isCompared: true },
  { key: 'p99', heading: '/v2/ p99 ms', decimals: 2, isCompared: true },
];

/** Waits on instances of their own, one after the other, for builds that nobody makes. */
export async function measureWaiting(_place: Workplace, progress: (text: string) => void): Promise<Section> {
  await using cloud = await Cloud.start();
  using calls = countFirestoreCalls();
  const rows: Row[] = [];
  for (const images of IMAGES) {
    progress(`${PULLS} pulls that wait for ${images === 1 ? 'one image' : `${images} images`}`);
    await using instance = await startInstance();
    await ping(instance.port, PINGS);
    const idle = await memoryOf(instance.pid);
    if (rows.length === 0) {
      const figures = { memory: idle, more: 0, listeners: 0, ...(await ping(instance.port, PINGS)) };
      rows.push({ label: IDLE, figures });
    }
    const names = Array.from({ length: images }, () => cloud.newImage().name);
    using waiting = sendPulls(instance.port, names);
    await waiting.sent;
    await calls.until(() => calls.open('Listen') >= images);
    const pings = await ping(instance.port, PINGS);
    const memory = await memoryOf(instance.pid);
    const figures = { memory, more: memory - idle, listeners: calls.open('Listen'), ...pings };
    rows.push({ label: `${waiting.count} pulls of ${images} ${images === 1 ? 'image' : 'images'}`, figures });
  }
  return {
    title: `${PULLS} pulls that wait on one instance`,
    baseline: IDLE,
    measures: MEASURES,
    rows,
    notes: [
      `Memory: what is resident of the registry, under functions-framework and ${FUNCTION_NODE_OPTIONS}; idle: after ${PINGS} requests.`,
      'Listeners: streams that Firestore has open. /v2/: one request after the other while all wait.',
    ],
  };
}

/** A registry that holds every pull for longer than the benchmark takes, with room for all of them. */
function startInstance(): Promise<MeasuredServer> {
  const settings = {
    DERIVERY_HOLD_SECONDS: '600',
    DERIVERY_REQUEST_LIMIT_SECONDS: '700',
    DERIVERY_CONCURRENCY: String((PULLS * 5) / 4),
  };
  return startServer('functions-framework', registryFunction(settings));
}

/** Sends pulls and lets them wait, each on a connection of its own, until it is disposed of. */
function sendPulls(port: number, names: readonly string[]) {
  const agent = new Agent({ maxSockets: Infinity });
  const { promise: sent, resolve: allSent } = Promise.withResolvers<void>();
  let count = 0;
  for (let index = 0; index < PULLS; index += 1) {
    const path = `/v2/${names[index % names.length] ?? ''}/manifests/latest`;
    // They are cut at the end, and nobody wants to know.
    sendRequest({ host: '127.0.0.1', port, path, agent })
      .on('error', () => {})
      .once('finish', () => {
        count += 1;
        if (count === PULLS) allSent();
      })
      .end();
  }
  return { count: PULLS, sent, [Symbol.dispose]: () => agent.destroy() };
}

/** Asks so often whether this is a registry, one request after the other. Milliseconds. */
async function ping(port: number, count: number): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`);
    await answer.arrayBuffer();
    times.push(performance.now() - startedAt);
  }
  return { p50: median(times), p99: percentile(times, 99) };
}

/** What is resident of a process. MiB. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
