// A request as the handlers see it, and what they answer.
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { invalid, StorageError } from './errors.ts';

export interface Exchange {
  readonly method: string;
  /** As sent: not decoded, no dot segment resolved. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Where the client reached this server, `http://HOST:PORT`: it may have come through a proxy. */
  readonly origin: string;
  readonly body: AsyncIterable<Buffer>;
  /** Cuts the connection. */
  readonly cut: () => void;
}

export interface Reply {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly content?: string | FileSlice;
}

/** Bytes of an open file, from `start` up to but not including `end`. Who sends them closes the descriptor. */
export interface FileSlice {
  readonly descriptor: number;
  readonly start: number;
  readonly end: number;
}

export function json(status: number, body: object): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    content: JSON.stringify(body),
  };
}

export function xml(status: number, body: string): Reply {
  return { status, headers: { 'content-type': 'application/xml; charset=UTF-8' }, content: body };
}

export function parseExchange(request: IncomingMessage): Exchange {
  const target = request.url ?? '/';
  const mark = target.includes('?') ? target.indexOf('?') : target.length;
  return {
    method: request.method ?? 'GET',
    path: target.slice(0, mark),
    query: new URLSearchParams(target.slice(mark + 1)),
    headers: request.headers,
    origin: `http://${request.headers.host ?? `127.0.0.1:${request.socket.localPort}`}`,
    // Leaving the loop early must not cut the connection: the answer is still to be sent over it.
    body: request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
    cut: () => request.socket.destroy(),
  };
}

/** Decodes a part of a path; 400 where its percent signs are not right. */
export function decodePath(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(`Malformed percent-encoding: ${part}`);
  }
}

/** All of a body that has to fit into memory; 413 over `limit` bytes. */
export async function readBody(body: AsyncIterable<Buffer>, limit: number, advice: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new StorageError(413, 'uploadTooLarge', advice);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A body of JSON, `{}` where there is none. */
export async function readJson(body: AsyncIterable<Buffer>): Promise<unknown> {
  const bytes = await readBody(body, 1 << 20, 'A body of JSON may have 1 MiB.');
  return bytes.length === 0 ? {} : parseJson(bytes);
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    throw new StorageError(400, 'parseError', 'Parse Error: the body is not JSON.');
  }
}
