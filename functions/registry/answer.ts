// What a handler answers, and the one place that writes it.
import type { ServerResponse } from 'node:http';
import type { RegistryError } from '#core/errors.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent with GET; HEAD gets its length only. */
  readonly body?: Uint8Array | string;
  /** Length of a body that is not at hand, for HEAD. Bytes. */
  readonly length?: number;
}

/** The specification's error format: `{"errors":[{code,message,detail}]}`, as plain `application/json`. */
export function errorAnswer({ status, code, message, headers }: RegistryError): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ errors: [{ code, message, detail: message }] }),
  };
}

/** A Warning header that clients print (RFC 7234, section 5.5: 299 is any warning that lasts). */
export function warning(text: string): string {
  return `299 - "${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/**
 * Writes an answer, as it is: nothing is ever compressed, since clients check bytes and lengths. HEAD is GET without the
 * body: the same headers, the same length.
 */
export function writeAnswer(response: ServerResponse, method: string, answer: Answer): void {
  const body = answer.body ?? '';
  response.writeHead(answer.status, {
    ...answer.headers,
    // The length of what is not modified would have to be that of the whole (RFC 9110, section 8.6).
    ...(answer.status !== 304 && { 'content-length': String(answer.length ?? Buffer.byteLength(body)) }),
    'docker-distribution-api-version': 'registry/2.0',
    'x-content-type-options': 'nosniff',
  });
  response.end(method === 'HEAD' ? undefined : body);
}
