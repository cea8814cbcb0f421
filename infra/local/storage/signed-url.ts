// V4 signed URLs (https://cloud.google.com/storage/docs/authentication/canonical-requests).
import { createHash, verify, type KeyObject } from 'node:crypto';
import { StorageError, invalid } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** The public key of a service account; undefined for one that is not known. */
export type PublicKeyOf = (email: string) => KeyObject | undefined | Promise<KeyObject | undefined>;

/** Seven days, in seconds. */
const LONGEST = 7 * 24 * 60 * 60;
/** How far the clock of who signed may be ahead, in milliseconds. */
const SKEW = 15 * 60_000;

export function isSigned(query: URLSearchParams): boolean {
  return [...query.keys()].some(name => /^x-goog-(signature|algorithm)$/i.test(name));
}

/**
 * Throws unless the request is one that the service account signed, and in time. As at Google, a URL that is too old
 * is 400 ExpiredToken, one that is not what was signed 403 SignatureDoesNotMatch.
 */
export async function verifySignedUrl(
  exchange: Exchange,
  now: number,
  publicKeyOf: PublicKeyOf,
): Promise<void> {
  const signed = parse(exchange.query);
  if (now > signed.date + signed.expires * 1000) {
    const at = new Date(signed.date + signed.expires * 1000).toISOString();
    throw new StorageError(
      400,
      'ExpiredToken',
      `The provided token has expired. Request signature expired at: ${at}`,
    );
  }
  if (signed.date > now + SKEW) {
    throw new StorageError(403, 'RequestTimeTooSkewed', 'The signature is from the future.');
  }
  const key = await publicKeyOf(signed.email);
  if (key === undefined) {
    throw new StorageError(403, 'InvalidAccessKeyId', `Nothing was ever signed for ${signed.email}.`);
  }
  // Google's client signs a Host without its port; the specification, the header as it is sent.
  const host = exchange.headers.host ?? '';
  const hosts = [host, host.replace(/:\d+$/, '')];
  const valid = hosts.some(each =>
    verify('RSA-SHA256', Buffer.from(stringToSign(exchange, signed, each)), key, signed.signature),
  );
  if (!valid) {
    throw new StorageError(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    );
  }
}

interface SignedQuery {
  readonly email: string;
  readonly scope: string;
  readonly dateText: string;
  readonly date: number;
  readonly expires: number;
  readonly signedHeaders: readonly string[];
  readonly signature: Buffer;
}

function parse(query: URLSearchParams): SignedQuery {
  const field = (name: string, form: RegExp): [string, ...string[]] => {
    const match = form.exec(query.get(name) ?? '');
    if (match === null) {
      throw new StorageError(400, 'MalformedSecurityHeader', `Missing or malformed parameter: ${name}`);
    }
    return match as unknown as [string, ...string[]];
  };
  field('X-Goog-Algorithm', /^GOOG4-RSA-SHA256$/);
  const [dateText, day = '', time = ''] = field('X-Goog-Date', /^(\d{8})T(\d{6})Z$/);
  const [, email = '', scope = '', scopeDay] = field(
    'X-Goog-Credential',
    /^([^/]+)\/((\d{8})\/[^/]+\/storage\/goog4_request)$/,
  );
  const [expires] = field('X-Goog-Expires', /^\d{1,9}$/);
  const [headers] = field('X-Goog-SignedHeaders', /^[a-z0-9-]+(;[a-z0-9-]+)*$/);
  const [signature] = field('X-Goog-Signature', /^([0-9a-f]{2})+$/);
  const date = Date.parse(`${day}${time}`.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(date) || scopeDay !== day)
    throw invalid('X-Goog-Date is no date, or not that of X-Goog-Credential.');
  if (Number(expires) > LONGEST) throw invalid(`X-Goog-Expires may be ${LONGEST} seconds (7 days) at most.`);
  const signedHeaders = headers.split(';');
  if (!signedHeaders.includes('host')) throw invalid('X-Goog-SignedHeaders must have host.');
  return {
    email,
    scope,
    dateText,
    date,
    expires: Number(expires),
    signedHeaders,
    signature: Buffer.from(signature, 'hex'),
  };
}

function stringToSign(exchange: Exchange, signed: SignedQuery, host: string): string {
  const query = [...exchange.query]
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const headers = signed.signedHeaders.map(name => {
    const value = name === 'host' ? host : [exchange.headers[name] ?? ''].flat().join(',');
    return `${name}:${value.trim().replace(/\s+/g, ' ')}\n`;
  });
  const canonicalRequest = [
    exchange.method,
    exchange.path,
    query.join('&'),
    headers.join(''),
    signed.signedHeaders.join(';'),
    exchange.headers['x-goog-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const digest = createHash('sha256').update(canonicalRequest).digest('hex');
  return ['GOOG4-RSA-SHA256', signed.dateText, signed.scope, digest].join('\n');
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
