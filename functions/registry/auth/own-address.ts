// What clients call us: where they are sent for a token, and what that token is for.
import type { IncomingHttpHeaders } from 'node:http';
import { RegistryError } from '#core/errors.ts';

export interface OwnAddress {
  /** `https://registry.example.org` */
  readonly origin: string;
  /** `registry.example.org`: the service that tokens are for. */
  readonly host: string;
}

/** Our address, as the client that sends these headers should know it. Throws a 400 where it does not say. */
export type ReadOwnAddress = (headers: IncomingHttpHeaders) => OwnAddress;

const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/;

/** Parses the address that a deployment says it has. Throws an Error that does not repeat it. */
export function parsePublicUrl(text: string): OwnAddress {
  if (!URL.canParse(text) || !/^https?:/i.test(text)) throw new Error('must be a URL of https or http');
  const { origin, host, href } = new URL(text);
  if (href !== `${origin}/`)
    throw new Error('must be no more than a scheme and a host, with a port or without');
  return { origin, host };
}

/**
 * The address of the setting, whatever a request says. Without one that of the request itself: clients send their credentials where
 * they are told in answer to a Host that they have written themselves, so it is not a place that another has chosen, as long as
 * no cache keeps the answer.
 */
export function ownAddress(publicUrl: OwnAddress | undefined): ReadOwnAddress {
  if (publicUrl !== undefined) return () => publicUrl;
  return ({ host = '', 'x-forwarded-proto': protocol }) => {
    if (!HOST.test(host)) {
      // Closed: a form may come behind it that nobody reads.
      throw new RegistryError(400, 'UNSUPPORTED', 'the request does not say which host it is for', {
        connection: 'close',
      });
    }
    return { origin: `${protocol === 'https' ? 'https' : 'http'}://${host}`, host };
  };
}
