// Where a request stands in the chain of redirects that its pull was sent through: a number in the query, signed.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { queryOf } from './target.ts';

export interface Hop {
  /** How often the pull has been sent on: 0 is the client's own request. */
  readonly number: number;
  /** When the client's own request came, by the clock of the instance that had it. Milliseconds since the epoch. */
  readonly beganAt: number;
  /** Which pull this is, from the first redirect on: no two have a hop in common. */
  readonly pull?: string;
  /** The request's target as it came, query and all. */
  readonly target: string;
}

export interface Hops {
  /**
   * Reads the hop from a request's target. What is not signed by us for this very path, or is older than a day, counts as a
   * client's first request: nothing of it can be believed, so the request is what it would be without it. It is not for whom we
   * gave it to only: a client may have another address at the next hop. Nobody gains by that, since a hop that was used counts as
   * a pull like any other (limits/first-requests.ts), and who may pull is asked at each.
   */
  readonly parse: (target: string) => Hop;
  /** The value of `wait` for the next hop. */
  readonly sign: (next: Hop) => string;
}

/** No chain is longer: nine times the longest hold there can be are nine hours. Milliseconds. */
const LIFETIME = 24 * 3_600_000;

/** Number, seconds since the epoch in base 36, 72 random bits, and 128 bits of HMAC-SHA-256. */
const FORMAT = /^(?<number>[1-9]\d{0,4})\.(?<began>[0-9a-z]{1,9})\.(?<pull>[\w-]{12})\.(?<code>[\w-]{22})$/;

/** `secrets`: the first signs, all are believed, so that one can be replaced while pulls wait. */
export function createHops(secrets: readonly [string, ...string[]], now: () => number = Date.now): Hops {
  function codeOf(secret: string, hop: string, target: string): Buffer {
    const signed = `${hop}.${pathOf(target)}`;
    return createHmac('sha256', secret).update(signed).digest().subarray(0, 16);
  }

  function isOurs(code: string, hop: string, target: string): boolean {
    const given = Buffer.from(code, 'base64url');
    return secrets.some(secret => timingSafeEqual(codeOf(secret, hop, target), given));
  }

  return {
    parse(target) {
      const first = { number: 0, beganAt: now(), target };
      const fields = FORMAT.exec(queryOf(target).get('wait') ?? '')?.groups;
      if (fields === undefined) return first;
      const { number = '', began = '', pull = '', code = '' } = fields;
      const beganAt = parseInt(began, 36) * 1000;
      const isCurrent = Math.abs(now() - beganAt) < LIFETIME;
      return isCurrent && isOurs(code, `${number}.${began}.${pull}`, target)
        ? { number: Number(number), beganAt, pull, target }
        : first;
    },

    sign({ number, beganAt, pull = randomBytes(9).toString('base64url'), target }) {
      const hop = `${number}.${Math.floor(beganAt / 1000).toString(36)}.${pull}`;
      return `${hop}.${codeOf(secrets[0], hop, target).toString('base64url')}`;
    },
  };
}

function pathOf(target: string): string {
  const [path = ''] = target.split('?', 1);
  return path;
}
