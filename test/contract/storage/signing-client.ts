// Google's storage client as it is in the cloud: it has a service account's name and token, but no key.
import { OAuth2Client } from 'google-auth-library';
import type { Storage } from '@google-cloud/storage';
import { clientOf } from './subject.ts';

/** A client that signs as `email` by calling signBlob; the token is any. */
export function signingClient(url: string, email: string): Storage {
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: 'any-token', expiry_date: Date.now() + 60 * 60_000 });
  // The name alone: the client takes it for the account's, and looks for a key in vain.
  return clientOf(url, { authClient, credentials: { client_email: email } });
}
