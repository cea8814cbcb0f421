// Sending a pull that waits to the same address again, a bounded number of times, and then telling it to come back.
import { RegistryError } from '#core/errors.ts';
import { warning, type Answer } from './answer.ts';
import type { ClientPatience } from './client-patience.ts';
import type { Hop, Hops } from './hop.ts';
import { queryOf } from './target.ts';

/** Go's HTTP client follows nine redirects; a tenth would be an error instead of our own last word. */
const LAST_HOP = 9;

export interface SendOnParts {
  readonly hops: Hops;
  /** After how long a client is told to pull again that would follow redirects for ever. Milliseconds. */
  readonly totalWaitMs: number;
  /** When a client is asked to pull again. Seconds. */
  readonly retryAfterSeconds: number;
}

export type SendOn = ReturnType<typeof createSendOn>;

export function createSendOn({ hops, totalWaitMs, retryAfterSeconds }: SendOnParts) {
  function isLast({ number, beganAt }: Hop, { redirects }: ClientPatience): boolean {
    return redirects === 'nine' ? number >= LAST_HOP : Date.now() - beganAt >= totalWaitMs;
  }

  function redirect(hop: Hop, client: ClientPatience, headers: Record<string, string>, note: string): Answer {
    const next = { ...hop, number: hop.number + 1 };
    const query = ownQuery(hop.target);
    query.set('wait', hops.sign(next));
    // Some clients show nothing of an error but the address that it came from.
    if (isLast(next, client)) query.set('note', slug(note));
    return { status: 307, headers: { ...headers, location: sameAddress(hop.target, query) } };
  }

  return {
    /** The redirect to the next hop. Throws what is the last word of the last one: the same pull again, and when. */
    withPhase(hop: Hop, client: ClientPatience, phase: string): Answer {
      const state = `the image is being built: ${phase}`;
      const headers = { 'cache-control': 'no-store', warning: warning(state) };
      if (!isLast(hop, client)) return redirect(hop, client, headers, `${state}; pull again`);
      throw new RegistryError(
        429,
        'TOOMANYREQUESTS',
        `the image is being built (${phase}); run the same pull again to go on waiting`,
        { ...headers, 'retry-after': String(retryAfterSeconds) },
      );
    },

    /** To another instance, since this one ends: at the same address, on another connection. */
    elsewhere(hop: Hop, client: ClientPatience): Answer {
      const state = 'this instance ends; another goes on';
      const headers = { 'cache-control': 'no-store', connection: 'close', warning: warning(state) };
      if (!isLast(hop, client)) return redirect(hop, client, headers, 'pull again');
      throw new RegistryError(429, 'TOOMANYREQUESTS', `${state}; run the same pull again`, {
        ...headers,
        'retry-after': String(retryAfterSeconds),
      });
    },
  };
}

/**
 * To an address that tells of the failure, for a client whose person sees nothing else of it. Undefined where the request is
 * there already, or where there is no redirect left to follow.
 */
export function redirectToFailure(hop: Hop, reason: string, logId: string | undefined): Answer | undefined {
  const before = queryOf(hop.target);
  if (before.get('build') === 'failed' || hop.number >= LAST_HOP) return undefined;
  const query = ownQuery(hop.target);
  query.set('build', 'failed');
  query.set('reason', slug(reason));
  if (logId !== undefined) query.set('log', logId);
  return { status: 307, headers: { 'cache-control': 'no-store', location: sameAddress(hop.target, query) } };
}

/** What the client itself has in its query (`ns=docker.io`): all but what we put there. */
function ownQuery(target: string): URLSearchParams {
  const query = queryOf(target);
  for (const name of ['wait', 'note', 'build', 'reason', 'log']) query.delete(name);
  return query;
}

/**
 * Relative: TLS may end before us, so our own idea of the address could be wrong. Two slashes at its front would be another host's
 * (RFC 3986, section 4.2; browsers take a backslash for one), and an instance that ends sends on whatever it is asked.
 */
function sameAddress(target: string, query: URLSearchParams): string {
  const [path = ''] = target.split('?', 1);
  return `${path.replace(/^[/\\]+/, '/')}?${query.toString()}`;
}

/** A sentence as people can read it in an address. */
function slug(text: string): string {
  return text
    .slice(0, 160)
    .replaceAll(/[^A-Za-z0-9.]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}
