// Requests for what a client has already.
import type { Answer } from './answer.ts';

/**
 * The answer, or 304 in its place where the client's If-None-Match names what would be sent (RFC 9110, section 13.1.2: the
 * comparison is weak, `*` is anything). Only an answer of 200 is ever replaced.
 */
export function unlessKnown(answer: Answer, ifNoneMatch: string | undefined): Answer {
  const { etag, ...others } = answer.headers;
  if (answer.status !== 200 || etag === undefined || ifNoneMatch === undefined) return answer;
  if (!matches(ifNoneMatch, etag)) return answer;
  const { 'content-type': _, ...headers } = others;
  return { status: 304, headers: { ...headers, etag } };
}

/** An entity tag may hold a comma: it ends at its quote. */
const ENTITY_TAG = /(?:W\/)?("[^"]*")/g;

function matches(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  return [...ifNoneMatch.matchAll(ENTITY_TAG)].some(([, tag]) => tag === etag);
}
