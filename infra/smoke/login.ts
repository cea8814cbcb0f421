// How a client shows who it is: as the registry asks for it (RFC 9110, section 11; the specification of Docker's tokens).
import { z } from 'zod';
import { expect } from './check.ts';
import { send } from './exchange.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Makes the value of `Authorization` for requests about an image, or about none; undefined where none is asked for. */
export type Authorize = (repository?: string) => Promise<string | undefined>;

const tokenSchema = z.object({ token: z.string().min(1) });

/** What the challenge of `/v2/` wants. Throws a CheckError where that cannot be given. */
export async function answerChallenge(challenge: string, base: URL, login?: Login): Promise<Authorize> {
  const basic = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  if (/^basic\b/i.test(challenge)) {
    expect(
      basic !== undefined,
      'it asks who pulls, by Basic',
      'Give --user and DERIVERY_SMOKE_PASSWORD (docs/access.md).',
    );
    return async () => basic;
  }
  const { realm, service } = bearer(challenge);
  expect(
    new URL(realm).origin === base.origin,
    `it sends clients to ${realm} for tokens, not to ${base.origin}`,
    'The front end passes on another Host: set domain of Terraform (DERIVERY_PUBLIC_URL).',
  );
  const tokens = new Map<string, string>();
  return async (repository = '') => {
    const kept = tokens.get(repository);
    if (kept !== undefined) return kept;
    const url = new URL(realm);
    url.searchParams.set('service', service);
    if (repository !== '') url.searchParams.set('scope', `repository:${repository}:pull`);
    const { status, body } = await send(
      url,
      basic === undefined ? {} : { headers: { authorization: basic } },
    );
    expect(
      status === 200,
      `${realm} answers ${status}${login === undefined ? ' without a login' : ` for ${login.user}`}: ${body.toString().slice(0, 300)}`,
      'Give --user and DERIVERY_SMOKE_PASSWORD, of a user of this deployment (docs/access.md).',
    );
    const authorization = `Bearer ${tokenSchema.parse(JSON.parse(body.toString())).token}`;
    tokens.set(repository, authorization);
    return authorization;
  };
}

function bearer(challenge: string): { realm: string; service: string } {
  const parameter = (name: string): string =>
    new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(challenge)?.[1] ?? '';
  const realm = parameter('realm');
  expect(
    /^bearer\b/i.test(challenge) && URL.canParse(realm),
    `a challenge that no client understands: ${challenge}`,
  );
  return { realm, service: parameter('service') };
}
