// A pull of a manifest as clients make it, however long its build takes, and what each of its requests was answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '#core/digest.ts';
import { CheckError, expect } from './check.ts';
import { taggedSchema, errorOf } from './documents.ts';
import type { WholeReply } from './exchange.ts';
import type { ImageToPull } from './image.ts';
import { OWN_HEADER, USER_AGENTS, type Registry } from './registry.ts';
import type { z } from 'zod';

export interface Pulled {
  readonly digest: string;
  readonly bytes: Buffer;
  readonly document: z.infer<typeof taggedSchema>;
  /** How long each request waited for its answer, the last one's included. Milliseconds. */
  readonly holdsMs: readonly number[];
  /** Redirects that were followed. */
  readonly redirects: number;
  /** How often the same pull had to be begun again, since its redirects were used up. */
  readonly rounds: number;
  readonly tookMs: number;
}

export interface Patience {
  readonly client: keyof typeof USER_AGENTS;
  /** How long the whole pull may take. Milliseconds. */
  readonly totalMs: number;
}

/** Go's HTTP client, and so most others, follow no more. */
const REDIRECT_LIMIT = 9;

/** Pulls an image by its tag. Throws a CheckError for what no client gets over. */
export async function pullManifest(
  registry: Registry,
  { name, tag }: Pick<ImageToPull, 'name' | 'tag'>,
  { client, totalMs }: Patience,
): Promise<Pulled> {
  const first = new URL(`/v2/${name}/manifests/${tag}`, registry.base);
  const begin = performance.now();
  const holdsMs: number[] = [];
  let [redirects, rounds, inRound, address] = [0, 1, 0, first];
  for (;;) {
    const limitMs = Math.ceil(totalMs - (performance.now() - begin));
    if (limitMs <= 0) throw notReady(totalMs);
    const reply = await hold(registry, address, client, limitMs, holdsMs.length);
    holdsMs.push(reply.waitedMs);
    if (reply.status === 200) {
      const { body: bytes } = reply;
      const document = taggedSchema.parse(JSON.parse(bytes.toString()));
      return {
        digest: digestOf(bytes),
        bytes,
        document,
        holdsMs,
        redirects,
        rounds,
        tookMs: performance.now() - begin,
      };
    }
    if (reply.status === 307) {
      redirects += 1;
      inRound += 1;
      expect(inRound <= REDIRECT_LIMIT, 'a tenth redirect in a row, at which most clients give up');
      address = nextHop(address, reply);
      continue;
    }
    await roomForAnother(reply, totalMs - (performance.now() - begin));
    [rounds, inRound, address] = [rounds + 1, 0, first];
  }
}

async function hold(
  registry: Registry,
  address: URL,
  client: Patience['client'],
  limitMs: number,
  before: number,
): Promise<WholeReply> {
  const begin = performance.now();
  const cut = (what: string): CheckError =>
    new CheckError(
      `request ${before + 1} was cut after ${seconds(performance.now() - begin)}: ${what}`,
      'Something ends requests that wait. Raise its limit above registry.timeout_seconds, or let holds end sooner: settings = { DERIVERY_HOLD_SECONDS, DERIVERY_LONG_HOLD_SECONDS }.',
    );
  let reply: WholeReply;
  try {
    reply = await registry.send(address.href, { headers: { 'user-agent': USER_AGENTS[client] }, limitMs });
  } catch (error) {
    if (error instanceof CheckError) throw error;
    if (performance.now() - begin >= limitMs) throw notReady(limitMs);
    throw cut(error instanceof Error ? error.message : String(error));
  }
  // A gateway's, not ours.
  if (reply.headers[OWN_HEADER] === undefined) throw cut(`${reply.status} by something before the registry`);
  return reply;
}

function notReady(afterMs: number): CheckError {
  return new CheckError(
    `not ready after ${seconds(afterMs)}`,
    'Look whether a worker runs, and what its log says last. Longer builds need --minutes.',
  );
}

/** Where a redirect leads: the same host, scheme and path, and nobody may keep it. */
function nextHop(from: URL, { headers }: WholeReply): URL {
  const to = new URL(headers.location ?? '', from);
  expect(
    to.origin === from.origin && to.pathname === from.pathname && to.searchParams.has('wait'),
    `it is sent on from ${from.origin}${from.pathname} to ${headers.location ?? 'nowhere'}`,
    'Something before the registry rewrites Location, or drops the query: it has to pass both on as they are.',
  );
  expect(
    headers['cache-control']?.includes('no-store') === true,
    `a redirect that waits may be cached: Cache-Control is ${headers['cache-control'] ?? 'missing'}`,
    'Something before the registry changes Cache-Control, or caches: switch that off for the registry.',
  );
  return to;
}

/** Resolves when the same pull may be begun again, or `leftMs` are over; throws where the pull is. */
async function roomForAnother(reply: WholeReply, leftMs: number): Promise<void> {
  const { code, message } = errorOf(reply);
  const isBuilt = reply.status === 429 && message.startsWith('the image is being built');
  expect(isBuilt, `${reply.status} ${code}: ${message}`);
  const { 'retry-after': retryAfter = '5' } = reply.headers;
  expect(/^\d+$/.test(retryAfter), `429 with Retry-After: ${retryAfter}, which is no number of seconds`);
  // A registry that says 0 is not to be stormed.
  await sleep(Math.min(Math.max(Number(retryAfter), 1) * 1000, Math.max(leftMs, 0)));
}

/** A duration for people. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 1000 ? 2 : 1)} s`;
}
