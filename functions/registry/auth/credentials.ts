// What a request's Authorization header says (RFC 9110, section 11.6.2). Hostile data until parsed here.

/** A user and a password, as someone claims them. Never to be logged: people type the one where the other belongs. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export type Authorization =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly credentials: Credentials }
  | { readonly kind: 'bearer'; readonly token: string }
  /** Of another scheme, or broken. */
  | { readonly kind: 'unknown' };

/** A scheme, and what RFC 9110 calls a token68. */
const HEADER = /^(?<scheme>basic|bearer) +(?<value>[A-Za-z0-9._~+/-]+=*) *$/i;

export function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined) return { kind: 'none' };
  const { scheme = '', value = '' } = HEADER.exec(header)?.groups ?? {};
  if (scheme.toLowerCase() === 'bearer') return { kind: 'bearer', token: value };
  const credentials = parseBasic(value);
  if (credentials === undefined) return { kind: 'unknown' };
  // What podman sends that has none.
  if (credentials.user === '' && credentials.password === '') return { kind: 'none' };
  return { kind: 'basic', credentials };
}

/** The first colon ends the user's name (RFC 7617, section 2); the characters are UTF-8, as all clients send them. */
function parseBasic(value: string): Credentials | undefined {
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
