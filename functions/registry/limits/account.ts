// Whose pulls and builds are counted together, and how many of them there may be.
import { createHmac } from 'node:crypto';
import type { Caller } from '../caller.ts';

/** What one caller may have. Infinity: as much as they like. */
export interface CallerLimits {
  /** Builds begun within any hour, on all instances together. With 0, what is built already can be pulled. */
  readonly newBuildsPerHour: number;
  /** Pulls by tag, on each instance. */
  readonly pullsPerMinute: number;
  /** Pulls that wait for a build at the same time, on each instance. */
  readonly waitingPulls: number;
}

/** By how a caller is known. */
export type Limits = Readonly<Record<Caller['kind'], CallerLimits>>;

export interface Account {
  /** Says nothing of whose it is to those who do not know the secret: an address is personal data. */
  readonly id: string;
  /** Whose it is: to be told to nobody but the caller. */
  readonly holder: { readonly kind: 'address' | 'user'; readonly name: string };
  readonly limits: CallerLimits;
}

export type AccountOf = (caller: Caller) => Account;

/**
 * A user has one account, wherever they are; all who have not logged in share one for each address. `secret`: what the ids are
 * made with, the same on all instances; with another one, everyone begins anew.
 */
export function openAccounts(limits: Limits, secret: string): AccountOf {
  return caller => {
    const holder =
      caller.kind === 'user'
        ? ({ kind: 'user', name: caller.user } as const)
        : ({ kind: 'address', name: caller.address } as const);
    const id = createHmac('sha256', secret)
      .update(`account.${holder.kind}.${holder.name}`)
      .digest('base64url');
    return { id, holder, limits: limits[caller.kind] };
  };
}
