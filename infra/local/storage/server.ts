// A stand-in for Cloud Storage: its JSON API, uploads and plain URLs, with the data on disk.
import { createReadStream, closeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { startHttpServer } from '../http-server.ts';
import { errorAsJson, errorAsXml, StorageError } from './errors.ts';
import { type Exchange, json, parseExchange, type Reply, xml } from './exchange.ts';
import { ConnectionCut, type Fault, strike } from './faults.ts';
import { answerJsonApi, isJsonApi, type JsonApi } from './json-api.ts';
import { answerPlainUrl } from './plain-url.ts';
import { ResumableUploads } from './resumable-upload.ts';
import type { PublicKeyOf } from './signed-url.ts';
import { openStore } from './store.ts';

export interface StorageOptions {
  /** Where objects and metadata lie. Created where it is not there; one process may have it at a time. */
  readonly dataFolder: string;
  /** Without it, one that is free. */
  readonly port?: number;
  /** The keys that signed URLs are verified with; without them, signed URLs are refused. */
  readonly verifyKey?: PublicKeyOf;
  /** Whether objects can be read at their plain URLs without a signature; so it is where nothing is said. */
  readonly publicRead?: boolean;
  /** What goes wrong, for tests. Read at every request, so more may be added at any time. */
  readonly faults?: Fault[];
  /** The time in milliseconds; a test's may be another than the machine's. */
  readonly now?: () => number;
}

export interface StorageServer {
  /** `http://127.0.0.1:PORT`: the client's `apiEndpoint`, or `STORAGE_EMULATOR_HOST`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Starts a stand-in for Cloud Storage on 127.0.0.1. It may be killed at any moment: an object whose upload was answered
 * is there when it starts again, one that was not is not there, and unfinished resumable uploads can be gone on with.
 * (A power cut is not covered: nothing waits for the disk.) What it does not do is answered 501 with a sentence.
 * Credentials are not asked for. Fails where the port or the folder is in use.
 */
export async function startStorage(options: StorageOptions): Promise<StorageServer> {
  const { dataFolder, port, verifyKey, publicRead = true, faults = [], now = Date.now } = options;
  const store = openStore(dataFolder, now);
  const api: JsonApi = { store, uploads: new ResumableUploads(store) };
  const answer = (exchange: Exchange) =>
    isJsonApi(exchange.path)
      ? answerJsonApi(api, exchange)
      : answerPlainUrl(store, exchange, { publicKeyOf: verifyKey, publicRead });
  try {
    const server = await startHttpServer(
      (request, response) => serve(request, response, faults, answer),
      port,
    );
    return {
      url: server.url,
      port: server.port,
      async close() {
        await server.close();
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  faults: Fault[],
  answer: (exchange: Exchange) => Promise<Reply>,
): Promise<void> {
  const exchange = parseExchange(request);
  let cutAnswerAfter: number | undefined;
  let reply: Reply;
  try {
    const struck = await strike(faults, exchange);
    cutAnswerAfter = struck.cutAnswerAfter;
    reply = await answer(struck.exchange);
  } catch (error) {
    if (error instanceof ConnectionCut || request.socket.destroyed) return;
    reply = errorReply(exchange, error);
  }
  // What was not read of the body is thrown away: a client that is still sending would not see the answer otherwise.
  request.resume();
  try {
    await send(response, exchange.method, reply, cutAnswerAfter);
  } catch (error) {
    if (!request.socket.destroyed) console.error(`${exchange.method} ${exchange.path}:`, error);
    response.destroy();
  }
}

function errorReply(exchange: Exchange, error: unknown): Reply {
  if (!(error instanceof StorageError)) console.error(`${exchange.method} ${exchange.path}:`, error);
  const shown = error instanceof StorageError ? error : new StorageError(500, 'backendError', String(error));
  if (shown.status === 304) return { status: 304 };
  return isJsonApi(exchange.path)
    ? json(shown.status, errorAsJson(shown))
    : xml(shown.status, errorAsXml(shown));
}

async function send(
  response: ServerResponse,
  method: string,
  { status, headers = {}, content }: Reply,
  cutAfter: number | undefined,
): Promise<void> {
  if (typeof content === 'object') {
    const { descriptor, start } = content;
    const end = Math.min(content.end, start + (cutAfter ?? Infinity));
    if (end === start || response.destroyed) {
      closeSync(descriptor);
      response.destroy();
      return;
    }
    const bytes = createReadStream('', { fd: descriptor, start, end: end - 1, highWaterMark: 1 << 18 });
    response.writeHead(status, headers);
    await pipeline(bytes, response, { end: end === content.end });
    if (end < content.end) response.destroy();
  } else if (cutAfter === undefined) {
    const length = content !== undefined && { 'content-length': Buffer.byteLength(content) };
    response.writeHead(status, { ...headers, ...length }).end(method === 'HEAD' ? undefined : content);
  } else {
    if (cutAfter > 0) response.writeHead(status, headers).write((content ?? '').slice(0, cutAfter));
    response.destroy();
  }
}
