// A registry that asks nobody who they are.
import { RegistryError } from '#core/errors.ts';
import type { ReadClientAddress } from '../client-address.ts';
import type { Access } from './access.ts';

/** Everyone is anonymous, whatever they say of themselves: credentials are not looked at, and there are no tokens. */
export function anonymousAccess(addressOf: ReadClientAddress): Access {
  return {
    callerOf: request => ({ kind: 'anonymous', address: addressOf(request) }),
    token: async () => {
      // Closed: nobody reads the form, which may have no end.
      throw new RegistryError(404, 'UNSUPPORTED', 'there are no tokens here: everyone may pull', {
        connection: 'close',
      });
    },
  };
}
