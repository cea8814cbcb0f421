// How many pulls may wait on one instance. Those that do not wait need room too: an instance whose requests all wait would
// answer no `/v2/` and no blob, since the front end hands it no more requests than its concurrency.
import { RegistryError } from '#core/errors.ts';
import { warning } from './answer.ts';
import type { Account } from './limits/account.ts';
import type { AdmittedPull } from './limits/admission.ts';

/** Of the concurrency: up to here a pull waits as long as its client can. */
const SHARE = 0.8;

/**
 * And up to here for a moment: long enough that nine redirects are not used up in a second, and short enough that the redirect
 * soon takes it to an instance with room.
 */
const CROWDED_SHARE = 0.9;
const CROWDED_HOLD_MS = 1_000;

/**
 * So many times as many as a caller may begin may go on: those who waited elsewhere come here too, and are not to be turned away
 * half-way. Without a bound at all, one caller could gather pulls for hours, and take every place with them at once.
 */
const GOING_ON = 2;

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
   * A place for one pull, until it is disposed of. Throws a 429 where there is none, or none for this caller: sent on at once and
   * for nothing, a client would be back as fast as it can, and have used up its redirects.
   */
  readonly enter: (pull: AdmittedPull) => Place;
}

/** `concurrency`: requests that the front end hands one instance at a time. */
export function createWaitingRoom(concurrency: number): WaitingRoom {
  const places = Math.max(1, Math.floor(concurrency * SHARE));
  const crowdedPlaces = Math.max(1, Math.floor(concurrency * CROWDED_SHARE));
  const countOf = new Map<string, number>();
  let count = 0;

  function leave(id: string): void {
    count -= 1;
    const rest = (countOf.get(id) ?? 0) - 1;
    if (rest > 0) countOf.set(id, rest);
    else countOf.delete(id);
  }

  return {
    get count() {
      return count;
    },
    enter({ account, hasWaited }) {
      const ofCaller = countOf.get(account.id) ?? 0;
      const most = account.limits.waitingPulls * (hasWaited ? GOING_ON : 1);
      if (ofCaller >= most) throw fullFor(account);
      if (count >= crowdedPlaces) throw full();
      const longestMs = count < places ? Infinity : CROWDED_HOLD_MS;
      count += 1;
      countOf.set(account.id, ofCaller + 1);
      let isTaken = true;
      return {
        longestMs,
        [Symbol.dispose]() {
          if (isTaken) leave(account.id);
          isTaken = false;
        },
      };
    },
  };
}

function full(): RegistryError {
  return comeBack('as many pulls wait here as can');
}

function fullFor({ holder, limits }: Account): RegistryError {
  return comeBack(
    `the limit of pulls that wait at a time is ${limits.waitingPulls} for each ${holder.kind}, which ${holder.name} has reached here`,
  );
}

function comeBack(why: string): RegistryError {
  const seconds =
    RETRY_SECONDS.least + Math.floor(Math.random() * (RETRY_SECONDS.most - RETRY_SECONDS.least));
  const state = `the image is being built, and ${why}`;
  return new RegistryError(429, 'TOOMANYREQUESTS', `${state}; run the same pull again to go on waiting`, {
    'cache-control': 'no-store',
    warning: warning(state),
    'retry-after': String(seconds),
  });
}
