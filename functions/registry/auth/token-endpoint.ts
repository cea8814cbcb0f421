// `GET|POST /token`: credentials for a token, so that a password is sent, and checked, once for a whole pull.
import type { IncomingMessage } from 'node:http';
import { RegistryError } from '#core/errors.ts';
import type { RepositoryName } from '#core/reference.ts';
import type { Answer } from '../answer.ts';
import type { UserName } from '../caller.ts';
import type { ReadClientAddress } from '../client-address.ts';
import { unauthorized, WRONG_LOGIN } from './challenge.ts';
import type { Login } from './logins.ts';
import type { OwnAddress, ReadOwnAddress } from './own-address.ts';
import type { PasswordUsers } from './password-users.ts';
import { pullScope } from './scope.ts';
import { readTokenRequest, type Grant } from './token-request.ts';
import { ACCESS_SECONDS, type Tokens } from './tokens.ts';

export interface TokenEndpointParts {
  /** Whether there is a token for those who do not log in. */
  readonly anonymous: 'allowed' | 'refused';
  readonly login: Login;
  readonly tokens: Tokens;
  /** Knows whether the password is still the one that a refresh token was given for. Undefined where no user has a password. */
  readonly fingerprintOf: PasswordUsers['fingerprintOf'] | undefined;
  readonly ownAddress: ReadOwnAddress;
  readonly addressOf: ReadClientAddress;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Whom a token is for. With a fingerprint, there can be one that replaces the password. */
interface Bearer {
  readonly user: UserName | undefined;
  readonly fingerprint?: string | undefined;
}

/**
 * Answers a token that is good for an hour, and where a client asks for one and the user has a password, a refresh token: docker
 * keeps it instead of the password. Throws 401 where the credentials are not right, 400 where the token would be for another host.
 */
export function createTokenEndpoint(
  parts: TokenEndpointParts,
): (request: IncomingMessage) => Promise<Answer> {
  const { anonymous, login, tokens, fingerprintOf, ownAddress, addressOf, now = Date.now } = parts;

  /** Undefined where credentials are missing or not right. */
  async function bearerBy(grant: Grant, service: string, address: string): Promise<Bearer | undefined> {
    switch (grant.kind) {
      case 'anonymous':
        return anonymous === 'allowed' ? { user: undefined } : undefined;
      case 'password':
        return login(grant.credentials, address);
      case 'refresh': {
        const read = await tokens.readRefresh(grant.token, service);
        const fingerprint = read && (await fingerprintOf?.(read.user));
        return fingerprint === read?.fingerprint ? read : undefined;
      }
    }
  }

  return async request => {
    const own = ownAddress(request.headers);
    const { grant, service, repositories, wantsRefreshToken } = await readTokenRequest(request);
    requireOwn(service, own);
    const bearer = await bearerBy(grant, own.host, addressOf(request));
    if (bearer === undefined) throw unauthorized('basic', own, { message: refusalOf(grant) });
    const { user, fingerprint } = bearer;
    const issuedAt = new Date(now());
    return tokenAnswer(repositories, {
      token: await tokens.signAccess({ user, repositories }, own.host),
      issuedAt,
      refreshToken:
        wantsRefreshToken && user !== undefined && fingerprint !== undefined
          ? await tokens.signRefresh({ user, fingerprint }, own.host)
          : undefined,
    });
  };
}

function requireOwn(service: string | undefined, { host }: OwnAddress): void {
  if (service === undefined || service === host) return;
  throw new RegistryError(400, 'UNSUPPORTED', `tokens are for the service ${host} only`);
}

function refusalOf(grant: Grant): string {
  switch (grant.kind) {
    case 'anonymous':
      return 'only users may pull here: log in first';
    case 'password':
      return WRONG_LOGIN;
    case 'refresh':
      return 'the login is not valid any more: log in again';
  }
}

interface Granted {
  readonly token: string;
  readonly issuedAt: Date;
  readonly refreshToken: string | undefined;
}

/** Both names of the token: clients look for one or the other. */
function tokenAnswer(
  repositories: readonly RepositoryName[],
  { token, issuedAt, refreshToken }: Granted,
): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({
      token,
      access_token: token,
      scope: repositories.map(pullScope).join(' '),
      expires_in: ACCESS_SECONDS,
      issued_at: issuedAt.toISOString(),
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    }),
  };
}
