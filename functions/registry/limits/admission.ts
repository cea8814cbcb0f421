// Letting pulls in: each is counted once, at its first request, at the cost of whoever pulls.
import type { Caller } from '../caller.ts';
import type { Hop } from '../hop.ts';
import type { Account, AccountOf } from './account.ts';
import type { IsFirstRequest } from './first-requests.ts';
import type { PullRate } from './pull-rate.ts';

/** A pull that may go on, and at whose cost. */
export interface AdmittedPull {
  readonly account: Account;
  /** It has waited before this request: it was let in then. */
  readonly hasWaited: boolean;
}

export interface AdmissionParts {
  readonly accountOf: AccountOf;
  readonly isFirstRequest: IsFirstRequest;
  readonly pullRate: PullRate;
}

export type Admit = (caller: Caller, hop: Hop) => AdmittedPull;

/** Counts each pull at its first request. Throws a 429 where its caller has had too many within the last minute. */
export function createAdmission({ accountOf, isFirstRequest, pullRate }: AdmissionParts): Admit {
  return (caller, hop) => {
    const account = accountOf(caller);
    const hasWaited = !isFirstRequest(hop);
    if (!hasWaited) pullRate.count(account);
    return { account, hasWaited };
  };
}
