// How many pulls may wait on one instance. Those that do not wait need room too: an instance whose requests all wait would
// answer no `/v2/` and no blob, since the front end hands it no more requests than its concurrency.
import { RegistryError } from '#core/errors.ts';
import { warning } from './answer.ts';

/** Of the concurrency: up to here a pull waits as long as its client can. */
const SHARE = 0.8;

/**
 * And up to here for a moment: long enough that nine redirects are not used up in a second, and short enough that the redirect
 * soon takes it to an instance with room.
 */
const CROWDED_SHARE = 0.9;
const CROWDED_HOLD_MS = 1_000;

/** When a pull is asked to come back that found no room: not all at the same moment. Seconds. */
const RETRY_SECONDS = { least: 5, most: 15 };

export interface Place extends Disposable {
  /** How long the pull may wait here, at most. Milliseconds. */
  readonly longestMs: number;
}

export interface WaitingRoom {
  /** Pulls that wait now. */
  readonly count: number;
  /**
   * A place for one pull, until it is disposed of. Throws a 429 where there is none: sent on at once and for nothing, a client
   * would be back as fast as it can.
   */
  readonly enter: () => Place;
}

/** `concurrency`: requests that the front end hands one instance at a time. */
export function createWaitingRoom(concurrency: number): WaitingRoom {
  const places = Math.max(1, Math.floor(concurrency * SHARE));
  const crowdedPlaces = Math.max(1, Math.floor(concurrency * CROWDED_SHARE));
  let count = 0;

  return {
    get count() {
      return count;
    },
    enter() {
      if (count >= crowdedPlaces) throw full();
      const longestMs = count < places ? Infinity : CROWDED_HOLD_MS;
      count += 1;
      let isTaken = true;
      return {
        longestMs,
        [Symbol.dispose]() {
          if (isTaken) count -= 1;
          isTaken = false;
        },
      };
    },
  };
}

function full(): RegistryError {
  const seconds =
    RETRY_SECONDS.least + Math.floor(Math.random() * (RETRY_SECONDS.most - RETRY_SECONDS.least));
  const state = 'the image is being built, and as many pulls wait here as can';
  return new RegistryError(429, 'TOOMANYREQUESTS', `${state}; run the same pull again to go on waiting`, {
    'cache-control': 'no-store',
    warning: warning(state),
    'retry-after': String(seconds),
  });
}
