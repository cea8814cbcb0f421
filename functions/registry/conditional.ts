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

/** Entity tags, which end at their quote: a comma may be inside. Whether `W/` stands before one makes no difference here. */
const ENTITY_TAGS = /"[^"]*"/g;

function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.trim() === '*' || [...ifNoneMatch.matchAll(ENTITY_TAGS)].some(([tag]) => tag === etag);
}
