// A git server over HTTP: git's own http-backend (a CGI program) behind Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { createGunzip } from 'node:zlib';

export interface GitHttpOptions {
  /** `user:password`; without it everybody may read. */
  readonly login?: string;
  /** Speak git's protocol 0, in which servers send only commits that they advertise; and leave nothing out. */
  readonly old?: boolean;
  /** Called before each request is answered; answers it itself where it returns true. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Serves a bare repository until the test ends; answers its URL. */
export async function serveGit(
  context: Pick<TestContext, 'after'>,
  bare: string,
  { login, old = false, intercept }: GitHttpOptions = {},
): Promise<string> {
  const server = createServer((request, response) => {
    if (intercept?.(request, response) === true) return;
    const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    runBackend(dirname(bare), old, request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/${basename(bare)}`;
}

function runBackend(root: string, old: boolean, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      ...(old
        ? {
            GIT_CONFIG_COUNT: '1',
            GIT_CONFIG_KEY_0: 'uploadpack.allowFilter',
            GIT_CONFIG_VALUE_0: 'false',
          }
        : { GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
  // Whoever goes away in the middle is no concern of the test.
  child.stdin.on('error', () => undefined);
  body.on('error', () => undefined);
  body.pipe(child.stdin);
  response.on('close', () => child.kill());

  let head = Buffer.alloc(0);
  let begun = false;
  child.stdout.on('data', (chunk: Buffer) => {
    if (begun) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    begun = true;
    let status = 200;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name === 'Status') status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status).write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
}
