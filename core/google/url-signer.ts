// Signing URLs without a key: IAM signs for the service account that this instance runs as (signBlob).
import type { Compute } from 'google-auth-library';
import { z } from 'zod';
import { TransientError } from '../errors.ts';
import { unsignedUrl } from './v4-signature.ts';

/** Signs for GET of an object, for so many seconds. Throws a {@link TransientError} where nobody answers. */
export type UrlSigner = (address: string, seconds: number) => Promise<string>;

interface Identity {
  readonly client: Compute;
  readonly email: string;
}

/** A pull waits: an IAM that takes longer is asked again, and then given up. Milliseconds. */
const PATIENCE_MS = 3_000;

const signedSchema = z.object({ signedBlob: z.base64() });

/**
 * `signingEndpoint`: what `EMAIL:signBlob` is put behind. `now`: milliseconds since the epoch. Nothing is loaded or asked before
 * the first URL; Google's authentication library is there by then, for Firestore's client needs it too.
 */
export function openUrlSigner(signingEndpoint: string, now: () => number = Date.now): UrlSigner {
  let identity: Promise<Identity> | undefined;

  function whoAmI(): Promise<Identity> {
    identity ??= identify().catch((error: unknown) => {
      identity = undefined;
      throw new TransientError('the metadata server does not say who we are', { cause: error });
    });
    return identity;
  }

  return async (address, seconds) => {
    const { client, email } = await whoAmI();
    const { stringToSign, withSignature } = unsignedUrl(address, email, now(), seconds);
    const data = { payload: Buffer.from(stringToSign).toString('base64') };
    try {
      const answer = await client.request({
        url: `${signingEndpoint}${encodeURIComponent(email)}:signBlob`,
        method: 'POST',
        data,
        timeout: PATIENCE_MS,
        retryConfig: { retry: 2, retryDelay: 100, httpMethodsToRetry: ['POST'] },
      });
      return withSignature(Buffer.from(signedSchema.parse(answer.data).signedBlob, 'base64'));
    } catch (error) {
      throw explained(error, email);
    }
  };
}

/** The metadata server knows: in the cloud a function's identity comes from nowhere else. */
async function identify(): Promise<Identity> {
  const { Compute, gcpMetadata } = await import('google-auth-library');
  const email = z.email().parse(await gcpMetadata.instance('service-accounts/default/email'));
  return { client: new Compute(), email };
}

/** What IAM refuses it goes on refusing; all else may pass. */
function explained(error: unknown, email: string): Error {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 403) {
    const role = 'roles/iam.serviceAccountTokenCreator';
    return new Error(`${email} may not sign: grant it ${role} on itself`, { cause: error });
  }
  return new TransientError(`the URL of a blob cannot be signed`, { cause: error });
}
