// Where a request stands in the chain of redirects that its pull was sent through: a number in the query, signed.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { queryOf } from './target.ts';

export interface Hop {
  /** How often the pull has been sent on: 0 is the client's own request. */
  readonly number: number;
  /** When the client's own request came, by the clock of the instance that had it. Milliseconds since the epoch. */
  readonly beganAt: number;
  /** The request's target as it came, query and all. */
  readonly target: string;
}

export interface Hops {
  /**
   * Reads the hop from a request's target. What is not signed by us for this very path, or is older than a day, counts as a
   * client's first request: nothing of it can be believed, so the request is what it would be without it. Whoever forges one
   * gains what a new pull would have given, and a link that was kept or passed on starts a pull like any other.
   */
  readonly parse: (target: string) => Hop;
  /** The value of `wait` for the next hop. */
  readonly sign: (next: Hop) => string;
}

/** No chain is longer: nine times the longest hold there can be are nine hours. Milliseconds. */
const LIFETIME = 24 * 3_600_000;

/** Number, seconds since the epoch in base 36, and 128 bits of HMAC-SHA-256. */
const FORMAT = /^(?<number>[1-9]\d{0,4})\.(?<began>[0-9a-z]{1,9})\.(?<code>[\w-]{22})$/;

/** `secrets`: the first signs, all are believed, so that one can be replaced while pulls wait. */
export function createHops(secrets: readonly [string, ...string[]], now: () => number = Date.now): Hops {
  function codeOf(secret: string, number: number, began: string, target: string): Buffer {
    const signed = `${number}.${began}.${pathOf(target)}`;
    return createHmac('sha256', secret).update(signed).digest().subarray(0, 16);
  }

  function isOurs(code: string, number: number, began: string, target: string): boolean {
    const given = Buffer.from(code, 'base64url');
    return secrets.some(secret => timingSafeEqual(codeOf(secret, number, began, target), given));
  }

  return {
    parse(target) {
      const first = { number: 0, beganAt: now(), target };
      const fields = FORMAT.exec(queryOf(target).get('wait') ?? '')?.groups;
      if (fields === undefined) return first;
      const { number = '', began = '', code = '' } = fields;
      const beganAt = parseInt(began, 36) * 1000;
      const isCurrent = Math.abs(now() - beganAt) < LIFETIME;
      return isCurrent && isOurs(code, Number(number), began, target)
        ? { number: Number(number), beganAt, target }
        : first;
    },

    sign({ number, beganAt, target }) {
      const began = Math.floor(beganAt / 1000).toString(36);
      return `${number}.${began}.${codeOf(secrets[0], number, began, target).toString('base64url')}`;
    },
  };
}

function pathOf(target: string): string {
  const [path = ''] = target.split('?', 1);
  return path;
}
