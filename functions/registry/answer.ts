// What a handler answers, and the one place that writes it.
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { RegistryError } from '#core/errors.ts';
import { printable } from '#core/printable.ts';

export interface Answer {
  readonly status: number;
  /** What stands behind the status in HTTP/1.1, in place of its usual words. */
  readonly reason?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent with GET; HEAD gets its length only. */
  readonly body?: Uint8Array | string;
  /** Length of a body that is not at hand, for HEAD. Bytes. */
  readonly length?: number;
}

/**
 * The specification's error format: `{"errors":[{code,message,detail}]}`, as plain `application/json`. The beginning of the message
 * stands behind the status too: it is all that containerd shows of an answer to HEAD, and docker of a 5xx, where no front end
 * puts the usual words there. It may hold what a builder or a package set wrote: clients print it as it is.
 */
export function errorAnswer({ status, code, message: written, headers, moreAt }: RegistryError): Answer {
  const message = printable(written);
  return {
    status,
    reason: `${STATUS_CODES[status] ?? 'Error'}: ${reasonPhrase(message, moreAt)}`,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ errors: [{ code, message, detail: message }] }),
  };
}

/** The same for one user alone: no cache that others share may keep it, whatever it may do otherwise. */
export function privateAnswer(answer: Answer): Answer {
  const said = answer.headers['cache-control'] ?? '';
  const others = said.split(/ *, */).filter(directive => directive !== '' && directive !== 'public');
  return { ...answer, headers: { ...answer.headers, 'cache-control': ['private', ...others].join(', ') } };
}

/** A Warning header that clients print (RFC 7234, section 5.5: 299 is any warning that lasts). */
export function warning(text: string): string {
  return `299 - "${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Characters of a message that stand behind the status. */
const REASON_LIMIT = 300;

/** The first line of a message, and whole the address where more of it is, if there is one and it leaves the line some room. */
function reasonPhrase(message: string, moreAt: string | undefined): string {
  const [line = ''] = message.split('\n', 1);
  const end = moreAt === undefined ? '' : ` (${moreAt})`;
  return end.length > REASON_LIMIT / 2
    ? visible(line).slice(0, REASON_LIMIT)
    : visible(line).slice(0, REASON_LIMIT - end.length) + visible(end);
}

/** A text in the characters that a status line may have. Nix quotes with marks that it may not. */
function visible(text: string): string {
  return text
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201c\u201d]/g, '"')
    .replaceAll(/[^\x20-\x7e]/g, '?');
}

/**
 * Writes an answer, as it is: nothing is ever compressed, since clients check bytes and lengths. HEAD is GET without the
 * body: the same headers, the same length.
 */
export function writeAnswer(response: ServerResponse, method: string, answer: Answer): void {
  const body = answer.body ?? '';
  const reason = answer.reason ?? STATUS_CODES[answer.status] ?? '';
  response.writeHead(answer.status, reason, {
    ...answer.headers,
    // The length of what is not modified would have to be that of the whole (RFC 9110, section 8.6).
    ...(answer.status !== 304 && { 'content-length': String(answer.length ?? Buffer.byteLength(body)) }),
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
  });
  response.end(method === 'HEAD' ? undefined : body);
}
