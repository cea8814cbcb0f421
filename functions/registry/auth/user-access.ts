// A registry that asks who pulls: users alone, or everyone, of whom some are users.
import type { RepositoryName } from '#core/reference.ts';
import type { UserName } from '../caller.ts';
import type { Access } from './access.ts';
import { unauthorized, WRONG_LOGIN, type ChallengeScheme, type Refusal } from './challenge.ts';
import { parseAuthorization } from './credentials.ts';
import { createTokenEndpoint, type TokenEndpointParts } from './token-endpoint.ts';

export interface UserAccessParts extends TokenEndpointParts {
  readonly challenge: ChallengeScheme;
}

/** Who has shown who it is, be it that it is nobody; or why not. */
type Shown = { readonly user: UserName | undefined } | Refusal;

/**
 * Tokens and, at every request, user and password. Where everyone may pull, a request without either is refused all the same: a client
 * that has credentials sends them only when it is asked, and one that has none is given a token.
 */
export function userAccess(parts: UserAccessParts): Access {
  const { anonymous, challenge, login, tokens, ownAddress, addressOf } = parts;

  async function shownBy(
    header: string | undefined,
    host: string,
    address: string,
    repository: RepositoryName | undefined,
  ): Promise<Shown> {
    const authorization = parseAuthorization(header);
    switch (authorization.kind) {
      case 'none':
        return { message: anonymous === 'allowed' ? 'a token is needed first' : 'only users may pull here' };
      case 'unknown':
        return { message: 'there are tokens (Bearer), and user and password (Basic)' };
      case 'basic':
        return (await login(authorization.credentials, address)) ?? { message: WRONG_LOGIN };
      case 'bearer':
        return shownByToken(authorization.token, host, repository);
    }
  }

  async function shownByToken(
    token: string,
    host: string,
    repository: RepositoryName | undefined,
  ): Promise<Shown> {
    const read = await tokens.readAccess(token, host);
    if (read === undefined || (read.user === undefined && anonymous === 'refused')) {
      return { error: 'invalid_token', message: 'the token is not valid, or not any more' };
    }
    if (repository !== undefined && !read.repositories.includes(repository)) {
      return { error: 'insufficient_scope', message: 'the token is for other repositories' };
    }
    return { user: read.user };
  }

  return {
    token: createTokenEndpoint(parts),

    async callerOf(request, repository) {
      const own = ownAddress(request.headers);
      const address = addressOf(request);
      const shown = await shownBy(request.headers.authorization, own.host, address, repository);
      if ('message' in shown) throw unauthorized(challenge, own, shown, repository);
      const { user } = shown;
      return user === undefined ? { kind: 'anonymous', address } : { kind: 'user', user, address };
    },
  };
}
