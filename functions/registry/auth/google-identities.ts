// Users who have an account or a service account of Google's, and a token of it for a password.
import { emailUser, type AllowList } from './allow-list.ts';
import { verifyAccessToken } from './google-access-token.ts';
import { createIdTokens } from './google-id-token.ts';
import type { IdentityProvider } from './identity.ts';

/** Whose a token is, and for how long. Milliseconds since the epoch. */
export interface GoogleIdentity {
  readonly email: string;
  readonly expiresAt: number;
}

export interface GoogleSettings {
  readonly allows: AllowList;
  readonly tokenInfoUrl: string;
  readonly keysUrl: string;
  /** What ID tokens have to be for: the registry's own address. */
  readonly audience: string;
}

/** What clients write in place of a name (Artifact Registry's, and that of Google's credential helper). */
const NAMES = ['oauth2accesstoken', '_dcgcloud_token'];

/** Three parts, of which the first begins with `{"`: a JSON Web Token. Access tokens look otherwise. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

/** A token that is taken back is believed for so long. Milliseconds. */
const BELIEVED_MS = 5 * 60_000;

/** Google limits how often it is asked. */
const CHECKS_AT_ONCE = 8;

/** `now`: milliseconds since the epoch. */
export function googleIdentities(
  { allows, tokenInfoUrl, keysUrl, audience }: GoogleSettings,
  now: () => number = Date.now,
): IdentityProvider {
  const verifyIdToken = createIdTokens(keysUrl, audience, now);
  return {
    checksAtOnce: CHECKS_AT_ONCE,
    isFor: ({ user }) => NAMES.includes(user),
    revision: async () => '',

    async verify({ password }) {
      const identity = JWT.test(password)
        ? await verifyIdToken(password)
        : await verifyAccessToken(tokenInfoUrl, password);
      if (identity === undefined) return undefined;
      const user = emailUser(identity.email);
      const believedMs = Math.min(identity.expiresAt - now(), BELIEVED_MS);
      return user !== undefined && believedMs > 0 && allows(user) ? { user, believedMs } : undefined;
    },
  };
}
