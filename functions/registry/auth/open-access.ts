// Who may pull, put together from the settings.
import { ConfigurationError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';
import type { ReadClientAddress } from '../client-address.ts';
import type { Access } from './access.ts';
import { anonymousAccess } from './anonymous-access.ts';
import { googleIdentities } from './google-identities.ts';
import type { IdentityProvider } from './identity.ts';
import { createLogins } from './logins.ts';
import { ownAddress } from './own-address.ts';
import { passwordUsers } from './password-users.ts';
import type { AccessSettings } from './settings.ts';
import { createTokens } from './tokens.ts';
import { userAccess } from './user-access.ts';

/** Throws a ConfigurationError where settings do not go together, or the file of users cannot be read. */
export function openAccess(settings: AccessSettings, addressOf: ReadClientAddress, log: Log): Access {
  if (settings.DERIVERY_ACCESS === 'anonymous') {
    // Whoever names users means to ask for them: a registry that is open all the same would not show it.
    if (settings.DERIVERY_USERS_FILE !== undefined || settings.DERIVERY_GOOGLE_USERS !== undefined) {
      throw wrong('there are users, and nobody is asked: set DERIVERY_ACCESS to users or both');
    }
    return anonymousAccess(addressOf);
  }
  const { DERIVERY_ACCESS: access, DERIVERY_TOKEN_SECRET: secrets, DERIVERY_CHALLENGE: challenge } = settings;
  if (secrets === undefined) {
    throw wrong(
      `DERIVERY_TOKEN_SECRET is not set, which DERIVERY_ACCESS=${access} needs to sign tokens with`,
    );
  }
  if (access === 'both' && challenge === 'basic') {
    throw wrong(
      'DERIVERY_CHALLENGE=basic does not go with DERIVERY_ACCESS=both: who has no password fails by it',
    );
  }
  const file = settings.DERIVERY_USERS_FILE;
  const passwords = file === undefined ? undefined : passwordUsers({ path: file, log });
  const google = googleUsers(settings);
  // Google's names are nobody's own: the file comes last, with all others.
  const providers = [google, passwords].filter(provider => provider !== undefined);
  if (providers.length === 0) {
    throw wrong(`DERIVERY_ACCESS=${access} needs users: DERIVERY_USERS_FILE, DERIVERY_GOOGLE_USERS or both`);
  }
  return userAccess({
    anonymous: access === 'both' ? 'allowed' : 'refused',
    challenge,
    login: createLogins({ providers, log }),
    tokens: createTokens(secrets),
    fingerprintOf: passwords?.fingerprintOf,
    ownAddress: ownAddress(settings.DERIVERY_PUBLIC_URL),
    addressOf,
  });
}

function googleUsers(settings: AccessSettings): IdentityProvider | undefined {
  const allows = settings.DERIVERY_GOOGLE_USERS;
  if (allows === undefined) return undefined;
  const address = settings.DERIVERY_PUBLIC_URL;
  if (address === undefined) {
    // A request's own word is not enough here: whoever got an ID token for another service could name that one.
    throw wrong(
      'DERIVERY_PUBLIC_URL is not set, which DERIVERY_GOOGLE_USERS needs: ID tokens have to be for it',
    );
  }
  return googleIdentities({
    allows,
    audience: address.origin,
    tokenInfoUrl: settings.DERIVERY_TOKENINFO_URL,
    keysUrl: settings.DERIVERY_GOOGLE_KEYS_URL,
  });
}

function wrong(message: string): ConfigurationError {
  return new ConfigurationError(`configuration: ${message}`);
}
