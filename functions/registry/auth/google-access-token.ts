// Google's access tokens, which only Google can read.
import { z } from 'zod';
import { TransientError } from '#core/errors.ts';
import type { GoogleIdentity } from './google-identities.ts';

/** What a token is of, by https://oauth2.googleapis.com/tokeninfo: every value is a string. */
const tokenInfoSchema = z.object({
  email: z.string().optional(),
  email_verified: z.string().optional(),
  scope: z.string().default(''),
  /** Seconds since the epoch. */
  exp: z.coerce.number(),
});

/**
 * Scopes that say as much as the person's own `gcloud`. Any web site may have been given a token that says no more than an e-mail
 * address: it must not be able to pull with it.
 */
const SCOPES = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/cloud-platform.read-only',
];

/** A login waits: a Google that takes longer is given up. Milliseconds. */
const PATIENCE_MS = 5_000;

/** Undefined where Google does not know the token, or it is not of someone's `gcloud`. Throws a TransientError where Google is silent. */
export async function verifyAccessToken(url: string, token: string): Promise<GoogleIdentity | undefined> {
  const answer = await askGoogle(url, token);
  if (answer === undefined) return undefined;
  const { email, email_verified: verified, scope, exp } = answer;
  const isEnough = scope.split(' ').some(each => SCOPES.includes(each));
  if (email === undefined || verified !== 'true' || !isEnough) return undefined;
  return { email, expiresAt: exp * 1000 };
}

async function askGoogle(url: string, token: string): Promise<z.infer<typeof tokenInfoSchema> | undefined> {
  try {
    // In the body: an address would be in somebody's log.
    const body = new URLSearchParams({ access_token: token });
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, { method: 'POST', body, signal, redirect: 'error' });
    const text = await response.text();
    if (response.status === 400 || response.status === 401) return undefined;
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return tokenInfoSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new TransientError('Google does not say whose a token is', { cause: error });
  }
}
