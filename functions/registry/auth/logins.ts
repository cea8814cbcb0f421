// Checking credentials, which is made to be costly: bounded in number at a time and in failures, so that a flood of guesses costs
// no memory and little time, and never concerns those who have been right before.
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

/** Only who is a user gets into the first; the second knows the guess that a misconfigured machine repeats. */
const REMEMBERED = { right: 10_000, wrong: 1_000 };
const WRONG_MS = 60_000;

const BUSY_SECONDS = 5;

export function createLogins({ providers, log, now = () => performance.now() }: LoginParts): Login {
  const sealKey = randomBytes(32);
  const right = new LRUCache<string, Identity & { readonly until: number }>({ max: REMEMBERED.right });
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
    if (turn.pendingCount >= WAITING_CHECKS) throw tooMany('many log in at this moment', BUSY_SECONDS);
    const pauseSeconds = failures.take(address);
    if (pauseSeconds !== undefined) throw tooMany('too many logins from here were wrong', pauseSeconds);
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

  return async (credentials, address) => {
    const provider = providers.find(each => each.isFor(credentials));
    const turn = provider && turns.get(provider);
    if (provider === undefined || turn === undefined) return undefined;
    const seal = await sealOf(provider, credentials);
    const known = right.get(seal);
    if (known !== undefined && known.until > now()) return known;
    if ((wrong.get(seal) ?? 0) > now()) return undefined;
    // A client that pulls ten layers logs in ten times: that is one check.
    const begun = running.get(seal);
    if (begun !== undefined) return begun;
    const checking = check(provider, turn, seal, credentials, address).finally(() => running.delete(seal));
    running.set(seal, checking);
    return checking;
  };
}

function tooMany(why: string, seconds: number): RegistryError {
  return new RegistryError(429, 'TOOMANYREQUESTS', `${why}; try again in ${seconds} s`, {
    'retry-after': String(seconds),
  });
}
