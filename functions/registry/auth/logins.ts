// Checking credentials, which is made to be costly: bounded in number at a time and in failures, so that a flood of guesses costs
// no memory and little time, and never concerns those who have been right before, where they were.
import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import pLimit, { type LimitFunction } from 'p-limit';
import { RegistryError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';
import type { Credentials } from './credentials.ts';
import { createFailureLimit } from './failure-limit.ts';
import type { Identity, IdentityProvider } from './identity.ts';

/** Undefined where the credentials are not right: it does not say what of them. Throws 429 where they cannot be looked at now. */
export type Login = (credentials: Credentials, address: string) => Promise<Identity | undefined>;

export interface LoginParts {
  readonly providers: readonly IdentityProvider[];
  readonly log: Log;
  /** Milliseconds on a clock that does not go back: nobody is locked out, or believed for longer, because it was set. */
  readonly now?: () => number;
}

/** More than an address needs that is right, and less than guessing takes. */
const FAILURES = { perMinute: 10, addresses: 10_000 };

/** Checks that wait for their turn: the last of them still gets its answer within the 15 s that docker gives a login. */
const WAITING_CHECKS = 16;

/** Only who is a user gets into the first two; the third knows the guess that a misconfigured machine repeats. */
const REMEMBERED = { right: 10_000, places: 10_000, wrong: 1_000 };
const WRONG_MS = 60_000;

const BUSY_SECONDS = 5;

export function createLogins({ providers, log, now = () => performance.now() }: LoginParts): Login {
  const sealKey = randomBytes(32);
  const right = new LRUCache<string, Identity & { readonly until: number }>({ max: REMEMBERED.right });
  /** From where they were right: a seal and an address each. */
  const places = new LRUCache<string, true>({ max: REMEMBERED.places });
  const wrong = new LRUCache<string, number>({ max: REMEMBERED.wrong });
  const running = new Map<string, Promise<Identity | undefined>>();
  const failures = createFailureLimit(FAILURES, now);
  const turns = new Map<IdentityProvider, LimitFunction>(
    providers.map(provider => [provider, pLimit(provider.checksAtOnce)]),
  );

  /** Credentials as they are remembered: nothing that is kept tells what they were. */
  async function sealOf(provider: IdentityProvider, credentials: Credentials): Promise<string> {
    const parts = [
      providers.indexOf(provider),
      await provider.revision(credentials),
      credentials.user,
      credentials.password,
    ];
    return createHmac('sha256', sealKey).update(JSON.stringify(parts)).digest('base64url');
  }

  async function check(
    provider: IdentityProvider,
    turn: LimitFunction,
    seal: string,
    credentials: Credentials,
    address: string,
  ): Promise<Identity | undefined> {
    requireNoPause(failures.take(address));
    // It stays counted: it was compared with what is remembered as right.
    if (turn.pendingCount >= WAITING_CHECKS) throw tooMany('many log in at this moment', BUSY_SECONDS);
    let isWrong = false;
    try {
      const identity = await turn(() => provider.verify(credentials));
      isWrong = identity === undefined;
      if (identity === undefined) wrong.set(seal, now() + WRONG_MS);
      else right.set(seal, { ...identity, until: now() + identity.believedMs });
      return identity;
    } finally {
      if (isWrong) log.warn({ address }, 'a login was refused');
      else failures.giveBack(address);
    }
  }

  /** A client that pulls ten layers logs in ten times: that is one check. */
  function once(seal: string, begin: () => Promise<Identity | undefined>): Promise<Identity | undefined> {
    const begun = running.get(seal);
    if (begun !== undefined) return begun;
    const checking = begin().finally(() => running.delete(seal));
    running.set(seal, checking);
    return checking;
  }

  return async (credentials, address) => {
    const provider = providers.find(each => each.isFor(credentials));
    const turn = provider && turns.get(provider);
    if (provider === undefined || turn === undefined) return undefined;
    const seal = await sealOf(provider, credentials);
    const known = right.get(seal);
    const believed = known !== undefined && known.until > now() ? known : undefined;
    const place = `${seal} ${address}`;
    if (believed !== undefined && places.get(place) === true) return believed;
    // First of all: who may not guess any more must not try what others have shown to be right, either, which costs no check.
    requireNoPause(failures.pauseOf(address));
    if ((wrong.get(seal) ?? 0) > now()) return undefined;
    const identity = believed ?? (await once(seal, () => check(provider, turn, seal, credentials, address)));
    if (identity !== undefined) places.set(place, true);
    return identity;
  };
}

function requireNoPause(seconds: number | undefined): void {
  if (seconds !== undefined) throw tooMany('too many logins from here were wrong', seconds);
}

function tooMany(why: string, seconds: number): RegistryError {
  return new RegistryError(429, 'TOOMANYREQUESTS', `${why}; try again in ${seconds} s`, {
    'retry-after': String(seconds),
  });
}
