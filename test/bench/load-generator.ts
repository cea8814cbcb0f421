// A program of its own, beside the server that it measures: `load-generator.ts ADDRESS CONNECTIONS SECONDS` keeps the
// connections busy with GET, one request at a time on each, and prints what came of it as JSON.
import { openHttpConnection, type HttpConnection } from './http-connection.ts';
import type { LoadFigures } from './load.ts';
import { percentile } from './statistics.ts';

/** Until V8 has compiled what is busy here, and all connections are busy. Seconds, not counted. */
const WARM_UP = 0.2;

const [address = '', connections = '', seconds = ''] = process.argv.slice(2);
console.log(JSON.stringify(await generateLoad(new URL(address), Number(connections), Number(seconds))));

async function generateLoad(target: URL, connectionCount: number, duration: number): Promise<LoadFigures> {
  const opened = await Promise.all(Array.from({ length: connectionCount }, () => openHttpConnection(target)));
  const from = performance.now() + WARM_UP * 1000;
  const until = from + duration * 1000;
  let requests = 0;
  const onAnswer = (): void => void (requests += 1);
  const milliseconds = (
    await Promise.all(opened.map(connection => keepBusy(connection, from, until, onAnswer)))
  ).flat();
  for (const connection of opened) connection.close();
  return {
    requests,
    requestsPerSecond: milliseconds.length / duration,
    p50: percentile(milliseconds, 50),
    p99: percentile(milliseconds, 99),
  };
}

/** Asks until the time is over, and answers how long each request took that ended between the two times. */
async function keepBusy(
  connection: HttpConnection,
  from: number,
  until: number,
  onAnswer: () => void,
): Promise<number[]> {
  const taken: number[] = [];
  for (let startedAt = performance.now(); startedAt < until;) {
    await connection.get();
    onAnswer();
    const endedAt = performance.now();
    if (endedAt >= from && endedAt < until) taken.push(endedAt - startedAt);
    startedAt = endedAt;
  }
  return taken;
}
