// Google's ID tokens, checked here against Google's public keys.
import type { JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { TransientError } from '#core/errors.ts';
import type { GoogleIdentity } from './google-identities.ts';

/** https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload */
const claimsSchema = z.object({ email: z.string(), email_verified: z.literal(true), exp: z.number() });

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];

/** Milliseconds. */
const PATIENCE_MS = 5_000;

/** Undefined where a token is not Google's, not for us or not valid now. Throws a TransientError where there are no keys to be had. */
export type VerifyIdToken = (token: string) => Promise<GoogleIdentity | undefined>;

/** `keysUrl`: Google's keys as a JSON Web Key Set, read when they are first needed. `audience`: what tokens for us are for. */
export function createIdTokens(keysUrl: string, audience: string, now: () => number): VerifyIdToken {
  let keys: JWTVerifyGetKey | undefined;

  return async token => {
    const { createRemoteJWKSet, errors, jwtVerify } = await import('jose');
    keys ??= createRemoteJWKSet(new URL(keysUrl), { timeoutDuration: PATIENCE_MS });
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['RS256'],
        audience,
        issuer: ISSUERS,
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      });
      const claims = claimsSchema.safeParse(payload);
      return claims.success ? { email: claims.data.email, expiresAt: claims.data.exp * 1000 } : undefined;
    } catch (error) {
      const isNoAnswer =
        !(error instanceof errors.JOSEError) ||
        error instanceof errors.JWKSTimeout ||
        error.code === 'ERR_JOSE_GENERIC';
      if (isNoAnswer) throw new TransientError('Google’s keys cannot be read', { cause: error });
      return undefined;
    }
  };
}
