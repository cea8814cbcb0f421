// The address that a request comes from, as far as it can be believed: what limits count by where nobody has logged in.
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** What of a request tells whence it comes. */
export interface Arrived {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** An address as it is counted by: an IPv4 address, or the /64 network of an IPv6 one. */
export type ReadClientAddress = (request: Arrived) => string;

/**
 * Reads addresses behind so many trusted proxies. Each of them puts the address that it was called from behind what
 * `X-Forwarded-For` has already, so that of n entries from the end the first is what the outermost saw; what stands before it the
 * client may have written itself, and is never looked at. Without such an entry, or where it is no address, the socket's counts:
 * a proxy that does not do as it should is one client then, and nobody can choose who to be.
 */
export function clientAddressBehind(trustedProxies: number): ReadClientAddress {
  return ({ headers, socket }) => {
    const forwarded = trustedProxies === 0 ? undefined : entries(headers).at(-trustedProxies);
    return countedAddress(forwarded) ?? countedAddress(socket.remoteAddress) ?? 'unknown';
  };
}

function entries({ 'x-forwarded-for': header = '' }: IncomingHttpHeaders): string[] {
  return [header]
    .flat()
    .join(',')
    .split(',')
    .map(entry => entry.trim());
}

/**
 * IPv6 by the /64: whoever has one address has the whole network to choose from (RFC 6177; RFC 8981 changes them daily). IPv4 that a
 * socket for both shows as IPv6 is IPv4 (RFC 4291, section 2.5.5.2).
 */
function countedAddress(text = ''): string | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return text;
  const groups = groupsOf(text);
  const [a = 0, b = 0] = groups.slice(6);
  const isMapped = groups.slice(0, 6).join() === '0,0,0,0,0,65535';
  if (isMapped) return [a >> 8, a & 255, b >> 8, b & 255].join('.');
  const network = groups.slice(0, 4).map(group => group.toString(16));
  return `${canonical(`${network.join(':')}::`)}/64`;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // Of a link-local one the zone is the machine's own affair.
  const [bare = ''] = address.split('%', 1);
  const [before = [], after] = canonical(bare)
    .split('::')
    .map(part => part.split(':').filter(group => group !== ''));
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...(after ?? [])].map(group =>
    parseInt(group, 16),
  );
}

/** The one way to write an IPv6 address that URLs have (WHATWG URL, "IPv6 serializer"): groups only, shortened, in lower case. */
function canonical(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
