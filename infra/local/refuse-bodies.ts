// Turning requests with a body away before functions-framework sees them: it reads and inflates bodies of up to a gigabyte
// for functions that want none, so that a megabyte of gzip costs a gigabyte of memory.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { RegistryError } from '#core/errors.ts';
import { errorAnswer, writeAnswer } from '#functions/registry/answer.ts';

/** From now on the server answers what has a body itself, in the registry's form, and closes the connection unread. */
export function refuseBodies(server: Server): void {
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
