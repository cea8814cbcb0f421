// Taking requests from functions-framework's server before its own middleware does. That reads and inflates bodies of up to a
// gigabyte for functions that want none; answers some requests itself, in HTML (a broken percent-escape, /favicon.ico); and costs
// more of the processor than our answers do.
import { subscribe } from 'node:diagnostics_channel';
import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { RegistryError } from '#core/errors.ts';
import { errorAnswer, writeAnswer } from './answer.ts';
import type { RequestHandler } from './registry.ts';
import { isTokenTarget, ONLY_READING } from './route.ts';
import { originForm } from './target.ts';

/**
 * From now on every request to an HTTP server of this process is the registry's. What has a body is refused unread, and its
 * connection closed; only forms for a token are handed on with theirs. The framework makes its server without us: Node tells of
 * it with the first request, before anyone else hears of that.
 */
export function takeServer(registry: RequestHandler): void {
  const taken = new WeakSet<Server>();
  subscribe('http.server.request.start', message => {
    const server: unknown = Reflect.get(Object(message), 'server');
    if (!(server instanceof Server) || taken.has(server)) return;
    taken.add(server);
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      if (hasBody(request) && !isForm(request)) refuse(request, response);
      else void registry(request, response);
    });
  });
}

function isForm({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && isTokenTarget(originForm(url));
}

/** A message has a body where one of these headers says so (RFC 9112, section 6.3). */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function refuse({ method = '' }: IncomingMessage, response: ServerResponse): void {
  const isRead = method === 'GET' || method === 'HEAD';
  const error = isRead
    ? new RegistryError(413, 'UNSUPPORTED', 'a pull has no body', { connection: 'close' })
    : new RegistryError(405, 'UNSUPPORTED', ONLY_READING, {
        allow: 'GET, HEAD',
        connection: 'close',
      });
  writeAnswer(response, method, errorAnswer(error));
}
