// What a client is told that has to say who it is: 401, with a challenge (RFC 9110, section 11.6.1).
import { RegistryError } from '#core/errors.ts';
import type { RepositoryName } from '#core/reference.ts';
import { TOKEN_PATH } from '../route.ts';
import type { OwnAddress } from './own-address.ts';
import { pullScope } from './scope.ts';

/**
 * Which challenge is sent; Basic is understood in any case. Never both: docker does what each of them says, so that without a password
 * it fails by Basic although it has a token, and with one it sends Basic always (tested with docker 20.10, in either order).
 */
export type ChallengeScheme = 'bearer' | 'basic';

/** What was wrong with a token (RFC 6750, section 3.1). Undefined where there was none: clients take it for a refusal. */
export type TokenError = 'invalid_token' | 'insufficient_scope';

/** Why someone has not shown who it is. */
export interface Refusal {
  readonly error?: TokenError;
  readonly message: string;
}

/** One sentence for all that can be wrong with a login: it tells nobody who is a user. */
export const WRONG_LOGIN = 'the user or the password is not right';

/** `repository`: what the request is about, if anything. */
export function unauthorized(
  scheme: ChallengeScheme,
  { origin, host }: OwnAddress,
  { error, message }: Refusal,
  repository?: RepositoryName,
): RegistryError {
  const parameters = {
    realm: scheme === 'basic' ? 'derivery' : origin + TOKEN_PATH,
    ...(scheme === 'bearer' && {
      service: host,
      ...(repository !== undefined && { scope: pullScope(repository) }),
      ...(error !== undefined && { error }),
    }),
  };
  // Nothing here needs an escape: hosts and names are of letters, digits, dots and the like.
  const written = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return new RegistryError(401, 'UNAUTHORIZED', message, {
    'www-authenticate': `${scheme === 'basic' ? 'Basic' : 'Bearer'} ${written.join(',')}`,
  });
}
