// Sends an object's bytes: over the JSON API (alt=media) and from its plain URL.
import type { OutgoingHttpHeaders } from 'node:http';
import { formatGoogHash } from './checksums.ts';
import type { ObjectRecord } from './database.ts';
import type { Exchange, Reply } from './exchange.ts';
import { parseRange } from './range.ts';
import type { Store } from './store.ts';

/**
 * Answers with the object, or the part of it that the request's Range asks for. The length is always exact and
 * nothing is ever compressed: container clients verify what they get.
 */
export function download(store: Store, exchange: Exchange, object: ObjectRecord, etag: string): Reply {
  const headers = objectHeaders(object, etag);
  if (matches(exchange.headers['if-none-match'], etag)) return { status: 304, headers };
  const ifRange = exchange.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? exchange.headers.range : undefined;
  const part = parseRange(range, object.size);
  if (part === 'unsatisfiable') {
    const message = `The requested range cannot be satisfied: the object has ${object.size} bytes.\n`;
    return { status: 416, headers: { 'content-range': `bytes */${object.size}` }, content: message };
  }
  const { start, end } = part === 'whole' ? { start: 0, end: object.size } : part;
  const partial = part !== 'whole' && { 'content-range': `bytes ${start}-${end - 1}/${object.size}` };
  const answer = {
    status: part === 'whole' ? 200 : 206,
    headers: { ...headers, ...partial, 'content-length': end - start },
  };
  if (exchange.method === 'HEAD' || start === end) return answer;
  return { ...answer, content: { descriptor: store.open(object).descriptor, start, end } };
}

function objectHeaders(object: ObjectRecord, etag: string): OutgoingHttpHeaders {
  const { attributes } = object;
  const custom = Object.entries(attributes.metadata ?? {});
  return {
    'content-type': attributes.contentType ?? 'application/octet-stream',
    ...(attributes.contentDisposition !== undefined && {
      'content-disposition': attributes.contentDisposition,
    }),
    ...(attributes.contentLanguage !== undefined && { 'content-language': attributes.contentLanguage }),
    // Google's own default for public objects; no-transform says what holds there anyway for objects like ours.
    'cache-control': attributes.cacheControl ?? 'public, max-age=3600, no-transform',
    'accept-ranges': 'bytes',
    etag,
    'last-modified': new Date(object.updated).toUTCString(),
    'x-goog-generation': object.generation,
    'x-goog-metageneration': String(object.metageneration),
    'x-goog-storage-class': 'STANDARD',
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(object.size),
    'x-goog-hash': formatGoogHash(object),
    ...Object.fromEntries(
      custom.map(([key, value]) => [`x-goog-meta-${key.toLowerCase()}`, encodeURI(value)]),
    ),
  };
}

/** Whether an If-None-Match header names this entity tag (weakly compared, RFC 9110, 13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some(each => {
    const tag = each.trim().replace(/^W\//, '');
    return tag === '*' || tag === etag;
  });
}
