// Turning requests with a body away before functions-framework sees them: it reads and inflates bodies of up to a gigabyte
// for functions that want none, so that a megabyte of gzip costs a gigabyte of memory.
import { subscribe } from 'node:diagnostics_channel';
import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { RegistryError } from '#core/errors.ts';
import { errorAnswer, writeAnswer } from './answer.ts';
import type { RequestHandler } from './registry.ts';
import { isTokenTarget } from './route.ts';
import { originForm } from './target.ts';

/**
 * From now on every HTTP server of this process answers what has a body itself, in the registry's form, and closes the
 * connection unread. Only forms for a token are for the registry: it is handed them past the framework, and reads them itself.
 * The framework makes its server without us: Node tells of it with the first request, before anyone else hears of that.
 */
export function refuseBodies(registry: RequestHandler): void {
  const guarded = new WeakSet<Server>();
  subscribe('http.server.request.start', message => {
    const server: unknown = Reflect.get(Object(message), 'server');
    if (!(server instanceof Server) || guarded.has(server)) return;
    guarded.add(server);
    guard(server, registry);
  });
}

function guard(server: Server, registry: RequestHandler): void {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (isForm(request)) void registry(request, response);
    else if (hasBody(request)) refuse(request, response);
    else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
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
    : new RegistryError(405, 'UNSUPPORTED', 'images are made from their names: there is only GET and HEAD', {
        allow: 'GET, HEAD',
        connection: 'close',
      });
  writeAnswer(response, method, errorAnswer(error));
}
