// What a request for a token asks (distribution, "Token Authentication Specification" for GET and "OAuth2 Token Authentication" for POST).
import type { IncomingMessage } from 'node:http';
import { RegistryError } from '#core/errors.ts';
import type { RepositoryName } from '#core/reference.ts';
import { queryOf } from '../target.ts';
import { parseAuthorization, type Credentials } from './credentials.ts';
import { readForm } from './read-form.ts';
import { parseScopes } from './scope.ts';

/** How a client shows who it is. */
export type Grant =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'password'; readonly credentials: Credentials }
  | { readonly kind: 'refresh'; readonly token: string };

export interface TokenRequest {
  readonly grant: Grant;
  /** The host that the token is to be for, as the challenge named it. */
  readonly service: string | undefined;
  readonly repositories: readonly RepositoryName[];
  /** Whether a token is wanted that replaces the password from now on. */
  readonly wantsRefreshToken: boolean;
}

/** Throws a RegistryError where a request is not for a token. */
export async function readTokenRequest(request: IncomingMessage): Promise<TokenRequest> {
  return request.method === 'POST' ? fromForm(await readForm(request)) : fromQuery(request);
}

function fromQuery({ url = '', headers }: IncomingMessage): TokenRequest {
  const query = queryOf(url);
  return {
    grant: grantOf(headers.authorization),
    service: query.get('service') ?? undefined,
    repositories: parseScopes(query.getAll('scope')),
    wantsRefreshToken: query.get('offline_token') === 'true',
  };
}

function grantOf(header: string | undefined): Grant {
  const authorization = parseAuthorization(header);
  switch (authorization.kind) {
    case 'none':
      return { kind: 'anonymous' };
    case 'basic':
      return { kind: 'password', credentials: authorization.credentials };
    case 'bearer':
    case 'unknown':
      throw new RegistryError(400, 'UNSUPPORTED', 'a token is asked for with user and password (Basic)');
  }
}

function fromForm(form: URLSearchParams): TokenRequest {
  return {
    grant: formGrant(form),
    service: form.get('service') ?? undefined,
    repositories: parseScopes(form.getAll('scope')),
    wantsRefreshToken: form.get('access_type') === 'offline',
  };
}

function formGrant(form: URLSearchParams): Grant {
  switch (form.get('grant_type')) {
    case 'password':
      return {
        kind: 'password',
        credentials: { user: form.get('username') ?? '', password: form.get('password') ?? '' },
      };
    case 'refresh_token':
      return { kind: 'refresh', token: form.get('refresh_token') ?? '' };
    default:
      throw new RegistryError(400, 'UNSUPPORTED', 'grant_type is "password" or "refresh_token"');
  }
}
