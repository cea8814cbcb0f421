// `npm run fuzz`: many requests that are nearly right, or not at all, on a registry in a process of its own.
import { Command, InvalidArgumentError } from 'commander';
import * as fc from 'fast-check';
import pLimit from 'p-limit';
import { digestOf } from '#core/digest.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { percentile } from '#test/bench/statistics.ts';
import { Cloud } from '#test/cloud.ts';
import { readyImage } from '#test/functions/registry/ready-image.ts';
import { openSender, type Outcome } from './sender.ts';
import { startRegistry } from './registry-process.ts';
import { strayRequest } from './stray-requests.ts';

/** Requests that are under way at the same time: more would wait for each other, and for the services in this process. */
const AT_ONCE = 2;

/** Requests are made in portions of so many, and the first portion is for caches and compilers to warm up on. */
const PORTION = 2_000;

/** What the registry may hold more of at the end than after the first portion: its caches, which are bounded. Bytes. */
const GROWTH_LIMIT = 64 << 20;

process.exitCode = await main();

/** 1 where something was answered with 5xx or not at all, where the registry ended, or holds ever more memory. */
async function main(): Promise<number> {
  const { requests: total, seed } = readOptions();
  await using cloud = await Cloud.start();
  // What some of the targets name.
  await readyImage(cloud, 'fuzz');
  await openBlobs(cloud.firestore).record(digestOf('fuzz'), { size: 4, crc32c: 'AAAAAA==', generation: '1' });
  await using registry = await startRegistry();
  const sender = openSender(registry.port, AT_ONCE);

  const limit = pLimit(AT_ONCE);
  const outcomes: Outcome[] = [];
  const start = performance.now();
  let heapBefore = 0;
  for (let done = 0; done < total && registry.isRunning(); done += PORTION) {
    const numRuns = Math.min(PORTION, total - done);
    const strays = fc.sample(strayRequest, { seed: seed + done, numRuns });
    outcomes.push(...(await Promise.all(strays.map(stray => limit(() => sender.send(stray))))));
    if (done === 0) heapBefore = await registry.heapUsed();
    if (done % 10_000 === 0) console.error(`${done + numRuns} of ${total}`);
  }
  const seconds = (performance.now() - start) / 1000;
  const growth = registry.isRunning() ? (await registry.heapUsed()) - heapBefore : Number.POSITIVE_INFINITY;
  report(outcomes, { seconds, heapBefore, growth, seed });
  const bad = outcomes.filter(({ verdict }) => verdict !== 'answered');
  for (const { verdict, request } of bad.slice(0, 20))
    console.error(`${verdict}: ${JSON.stringify(request)}`);
  return bad.length === 0 && growth < GROWTH_LIMIT ? 0 : 1;
}

function readOptions(): { readonly requests: number; readonly seed: number } {
  const number = (text: string): number => {
    if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is not a number.');
    return Number(text);
  };
  return new Command('npm run fuzz --')
    .description(
      'Sends random and mutated requests to a registry, and looks at its answers, time and memory.',
    )
    .option('--requests <number>', 'how many', number, 100_000)
    .option('--seed <number>', 'where they begin: the same seed makes the same requests', number, 20_261_121)
    .allowExcessArguments(false)
    .parse()
    .opts();
}

interface Totals {
  readonly seconds: number;
  readonly heapBefore: number;
  readonly growth: number;
  readonly seed: number;
}

function report(outcomes: readonly Outcome[], { seconds, heapBefore, growth, seed }: Totals): void {
  const statuses = new Map<string, number>();
  for (const { status } of outcomes) {
    const name = status === undefined ? 'cut off' : String(status);
    statuses.set(name, (statuses.get(name) ?? 0) + 1);
  }
  const warm = outcomes.length > PORTION ? outcomes.slice(PORTION) : outcomes;
  const quick = warm.filter(({ startedBuild }) => !startedBuild).map(({ milliseconds }) => milliseconds);
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const ms = (percent: number): string => `p${percent} ${percentile(quick, percent).toFixed(1)} ms`;
  const counts = [...statuses]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name}: ${count}`);
  console.log(`${outcomes.length} requests in ${seconds.toFixed(0)} s, ${AT_ONCE} at a time, seed ${seed}`);
  console.log(`answers: ${counts.join(', ')}`);
  console.log(`those ${quick.length} after the first that start no build: ${ms(50)}, ${ms(99)}, ${ms(100)}`);
  console.log(`heap: ${mib(heapBefore)} after the first ${PORTION}, ${mib(growth)} more at the end`);
}
