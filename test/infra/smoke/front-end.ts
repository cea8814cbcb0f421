// A proxy before a server, as every deployment has some: it does its work well, or one thing wrong.
import {
  createServer,
  request as sendRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Passed {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a front end does wrong. Each changes what passes through, or throws to cut the connection. */
export interface Wrong {
  readonly request?: (headers: IncomingHttpHeaders, request: IncomingMessage) => IncomingHttpHeaders;
  readonly answer?: (answer: Passed, request: IncomingMessage) => Passed;
}

export interface FrontEnd extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** What it does from now on. */
  become(wrong: Wrong): void;
}

/** Starts a front end before the port. It adds whom it was called by to X-Forwarded-For, as Cloud Run's does. */
export async function startFrontEnd(port: number): Promise<FrontEnd> {
  let wrong: Wrong = {};
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/' } = request;
    const before = request.headers['x-forwarded-for'];
    const caller = request.socket.remoteAddress ?? '';
    const headers = {
      ...request.headers,
      'x-forwarded-for': before === undefined ? caller : `${String(before)}, ${caller}`,
    };
    const passedOn = sendRequest(
      {
        port,
        host: '127.0.0.1',
        method,
        path: url,
        headers: defined(wrong.request?.(headers, request) ?? headers),
        agent: false,
      },
      received => void answer(received, request, response),
    );
    passedOn.once('error', () => response.destroy());
    request.pipe(passedOn);
  });

  async function answer(
    received: IncomingMessage,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const { connection: _, 'transfer-encoding': __, ...rest } = received.headers;
      const passed = { status: received.statusCode ?? 0, headers: rest, body: await buffer(received) };
      const changed = wrong.answer?.(passed, request) ?? passed;
      response.writeHead(changed.status, defined(changed.headers));
      response.end(changed.body);
    } catch {
      response.destroy();
    }
  }

  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    become(next) {
      wrong = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Headers that were taken away stand there as undefined. */
function defined(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}
