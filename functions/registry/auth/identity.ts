// What every kind of user has in common. Another kind is another IdentityProvider.
import type { UserName } from '../caller.ts';
import type { Credentials } from './credentials.ts';

/** Who has shown to be a user. */
export interface Identity {
  readonly user: UserName;
  /** For how long the same credentials are believed without another check, at most. Milliseconds. */
  readonly believedMs: number;
  /**
   * What stands for the password in a token that replaces it (docker's "identity token"): while it is the user's, that token is good.
   * Undefined for a user who cannot have one.
   */
  readonly fingerprint?: string;
}

export interface IdentityProvider {
  /** Whether credentials are of this kind. The first provider that says so has the word. */
  readonly isFor: (credentials: Credentials) => boolean;
  /** What the outcome depends on besides the credentials: while it is the same, an outcome holds. Costs next to nothing. */
  readonly revision: (credentials: Credentials) => Promise<string>;
  /** Undefined where the credentials are not right. Throws a TransientError where nobody can say. May be costly. */
  readonly verify: (credentials: Credentials) => Promise<Identity | undefined>;
  /** How many checks may run at a time. */
  readonly checksAtOnce: number;
}
