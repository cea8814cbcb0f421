// An HTTP server on the loopback interface that closes cleanly: what the HTTP stand-ins have in common.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** Cuts every connection, and is done when no handler runs any more. */
  close(): Promise<void>;
}

/** How long a connection without a request is kept, in milliseconds: Google's front ends keep them for minutes too. */
const KEEP_ALIVE = 10 * 60_000;

/**
 * Listens on 127.0.0.1, on `port` or on one that is free. The handler answers every request itself, errors included;
 * it must not reject. Fails with Node's error when the port is in use.
 */
export async function startHttpServer(
  handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port = 0,
): Promise<HttpServer> {
  const running = new Set<Promise<void>>();
  // Uploads may take as long as they like; a connection that is kept longer than clients keep it never breaks a request.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE }, (request, response) => {
    const run = handler(request, response).finally(() => running.delete(run));
    running.add(run);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    async close() {
      const closed = new Promise<void>(resolve => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
      await Promise.all(running);
    },
  };
}
