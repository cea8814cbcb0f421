// Waiting longer than one request may take: the client is sent to the same address again, a bounded number of times.
import { RegistryError } from '#core/errors.ts';
import type { Answer } from './answer.ts';

/** Go's HTTP client, which most clients are made with, follows nine redirects (net/http, defaultCheckRedirect). */
const LAST_HOP = 9;

/** Where a request stands in its chain of redirects: 0 is the client's own. */
export interface Hop {
  readonly number: number;
  /** The request's target as it came, query and all. */
  readonly target: string;
}

/** Reads the hop from a request's target. What is no number of ours counts as the last: a forged one gains nothing. */
export function parseHop(target: string): Hop {
  const wait = new URLSearchParams(splitTarget(target).query).get('wait');
  if (wait === null) return { number: 0, target };
  return { number: /^[1-9]$/.test(wait) ? Number(wait) : LAST_HOP, target };
}

/** The redirect to the next hop; at the last one an answer that asks for the same pull again. Throws that one. */
export function nextHop({ number, target }: Hop, phase: string): Answer {
  const headers = { 'cache-control': 'no-store', warning: `299 - "the image is being built: ${phase}"` };
  if (number >= LAST_HOP) {
    throw new RegistryError(
      429,
      'TOOMANYREQUESTS',
      `the image is being built (${phase}); run the same pull again to go on waiting`,
      { ...headers, 'retry-after': '5' },
    );
  }
  const { path, query } = splitTarget(target);
  const parameters = new URLSearchParams(query);
  parameters.set('wait', String(number + 1));
  // Relative: TLS may end before us, so our own idea of the address could be wrong.
  return { status: 307, headers: { ...headers, location: `${path}?${parameters.toString()}` } };
}

function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}
