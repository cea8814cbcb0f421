// A stand-in for the IAM Service Account Credentials API: signBlob, which signs the URLs of blobs.
import { type KeyObject, sign } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { startHttpServer } from '../http-server.ts';
import { AccountKeys } from './keys.ts';

export interface IamCredentialsOptions {
  /** Where the keys lie. */
  readonly dataFolder: string;
  /** Without it, one that is free. */
  readonly port?: number;
}

export interface IamCredentialsServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** What the client's `signingEndpoint` has to be: it appends `EMAIL:signBlob`. */
  readonly signingEndpoint: string;
  /** The public key of a service account for which something was signed: what the storage stand-in verifies with. */
  publicKeyOf(email: string): KeyObject | undefined;
  close(): Promise<void>;
}

/**
 * Starts a stand-in for iamcredentials.googleapis.com on 127.0.0.1. It signs for any service account, for whoever has
 * any bearer token; keys stay the same over restarts. All methods but signBlob are UNIMPLEMENTED.
 */
export async function startIamCredentials(options: IamCredentialsOptions): Promise<IamCredentialsServer> {
  const keys = new AccountKeys(options.dataFolder);
  const server = await startHttpServer((request, response) => serve(request, response, keys), options.port);
  return {
    ...server,
    signingEndpoint: `${server.url}/v1/projects/-/serviceAccounts/`,
    publicKeyOf: email => keys.get(email)?.publicKey,
  };
}

/** Google's error codes that occur here, and their HTTP statuses. */
const statuses = { INVALID_ARGUMENT: 400, UNAUTHENTICATED: 401, UNIMPLEMENTED: 501, INTERNAL: 500 } as const;

class IamError extends Error {
  readonly code: keyof typeof statuses;
  constructor(code: keyof typeof statuses, message: string) {
    super(message);
    this.name = 'IamError';
    this.code = code;
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, keys: AccountKeys): Promise<void> {
  const reply = (status: number, body: object) => {
    response
      .writeHead(status, { 'content-type': 'application/json; charset=UTF-8' })
      .end(JSON.stringify(body));
  };
  try {
    reply(200, await signBlob(request, keys));
  } catch (error) {
    if (request.socket.destroyed) return;
    const { code, message } = error instanceof IamError ? error : new IamError('INTERNAL', String(error));
    if (code === 'INTERNAL') console.error(`${request.method} ${request.url}:`, error);
    reply(statuses[code], { error: { code: statuses[code], message, status: code } });
  }
}

const bodySchema = z.object({ payload: z.base64().min(1), delegates: z.array(z.string()).max(0).optional() });

/** https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob */
async function signBlob(
  request: IncomingMessage,
  keys: AccountKeys,
): Promise<{ keyId: string; signedBlob: string }> {
  const { method, url = '', headers } = request;
  const [, email] = /^\/v1\/projects\/-\/serviceAccounts\/([^/:?]+):signBlob$/.exec(url) ?? [];
  if (method !== 'POST' || email === undefined) {
    throw new IamError(
      'UNIMPLEMENTED',
      `The local IAM Credentials stand-in does not do this: ${method} ${url}.`,
    );
  }
  if (!/^Bearer \S+$/i.test(headers.authorization ?? '')) {
    throw new IamError(
      'UNAUTHENTICATED',
      'Request is missing required authentication credential: a bearer token.',
    );
  }
  const account = parseEmail(email);
  const body = bodySchema.safeParse(await json(request).catch(() => undefined));
  if (!body.success) throw new IamError('INVALID_ARGUMENT', `Invalid body: ${z.prettifyError(body.error)}`);
  const key = await keys.getOrMake(account);
  const signature = sign('RSA-SHA256', Buffer.from(body.data.payload, 'base64'), key.privateKey);
  return { keyId: key.id, signedBlob: signature.toString('base64') };
}

function parseEmail(part: string): string {
  const parsed = z.email().safeParse(part.replaceAll('%40', '@'));
  if (!parsed.success) throw new IamError('INVALID_ARGUMENT', `Invalid service account: ${part}`);
  return parsed.data;
}
