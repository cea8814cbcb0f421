// Turning requests with a body away before functions-framework sees them: it reads and inflates bodies of up to a gigabyte
// for functions that want none, so that a megabyte of gzip costs a gigabyte of memory.
import { subscribe } from 'node:diagnostics_channel';
import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import { RegistryError } from '#core/errors.ts';
import { errorAnswer, writeAnswer } from './answer.ts';

/**
 * From now on every HTTP server of this process answers what has a body itself, in the registry's form, and closes the
 * connection unread. The framework makes its server without us: Node tells of it with the first request, before anyone
 * else hears of that.
 */
export function refuseBodies(): void {
  const guarded = new WeakSet<Server>();
  subscribe('http.server.request.start', message => {
    const server: unknown = Reflect.get(Object(message), 'server');
    if (!(server instanceof Server) || guarded.has(server)) return;
    guarded.add(server);
    guard(server);
  });
}

function guard(server: Server): void {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (hasBody(request)) refuse(request, response);
    else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
  });
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
