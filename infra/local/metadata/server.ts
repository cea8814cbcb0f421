// A stand-in for the metadata server of Google Cloud: who a program runs as, and a token that says so.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpServer } from '../http-server.ts';

export interface MetadataOptions {
  /** The service account that programs run as. */
  readonly email: string;
  /** Without it, one that is free. */
  readonly port?: number;
}

export interface MetadataServer {
  /** `127.0.0.1:PORT`: what `GCE_METADATA_HOST` has to be. */
  readonly host: string;
  close(): Promise<void>;
}

/** Named by requests as well as answers: no page in a browser can ask for it unnoticed. */
const FLAVOR = { 'metadata-flavor': 'Google' };

const ACCOUNT = '/computeMetadata/v1/instance/service-accounts/default/';

/** How long a token is good for; nobody here looks. Seconds. */
const TOKEN_SECONDS = 3600;

/** Starts a stand-in on 127.0.0.1 that knows the default service account's email address and token, and nothing else. */
export async function startMetadata({ email, port }: MetadataOptions): Promise<MetadataServer> {
  const token = { access_token: 'local', expires_in: TOKEN_SECONDS, token_type: 'Bearer' };
  const answers = new Map([
    [`${ACCOUNT}email`, { type: 'application/text', body: email }],
    [`${ACCOUNT}token`, { type: 'application/json', body: JSON.stringify(token) }],
  ]);
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const answer = request.method === 'GET' ? answers.get(path) : undefined;
    const status = request.headers['metadata-flavor'] !== 'Google' ? 403 : answer === undefined ? 404 : 200;
    response.writeHead(status, { ...FLAVOR, 'content-type': answer?.type ?? 'text/html' });
    response.end(
      status === 200 ? answer?.body : `The local metadata stand-in does not answer this: ${status}.\n`,
    );
  }
  const server = await startHttpServer(serve, port);
  return { host: `127.0.0.1:${server.port}`, close: () => server.close() };
}
