// One request and its answer, as they are on the wire: nothing is followed, nothing is unpacked.
import { createHash } from 'node:crypto';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';

export interface Sending {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** The longest that the answer may take, headers and body. Milliseconds. */
  readonly limitMs?: number;
  /** The most that its body may have: whoever sends for ever is not listened to for ever. Bytes. */
  readonly limitBytes?: number;
}

export interface Reply {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** From sending to headers. Milliseconds. */
  readonly waitedMs: number;
}

export interface WholeReply extends Reply {
  readonly body: Buffer;
}

export interface MeasuredReply extends Reply {
  readonly bytes: number;
  /** Of the body. */
  readonly digest: string;
}

/** What proxies may go by that would compress: answers must come as they were sent all the same. */
export const COMPRESSIBLE = { 'accept-encoding': 'gzip, deflate, br, zstd' };

const DEFAULT_LIMIT_MS = 60_000;

/** Manifests have 4 MB at most, and nothing that is kept as a whole is larger. Bytes. */
const DEFAULT_LIMIT_BYTES = 16_000_000;

/** Sends a request on a connection of its own, and reads all of the answer. */
export async function send(url: URL, sending: Sending = {}): Promise<WholeReply> {
  const { parts, reply } = await open(url, sending);
  return { ...reply, body: await buffer(parts) };
}

/** The same for a body that may be large: its length and digest. */
export async function measure(url: URL, sending: Sending = {}): Promise<MeasuredReply> {
  const { parts, reply } = await open(url, sending);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of parts) {
    hash.update(part);
    bytes += part.length;
  }
  return { ...reply, bytes, digest: `sha256:${hash.digest('hex')}` };
}

function open(
  url: URL,
  { method = 'GET', headers = {}, limitMs = DEFAULT_LIMIT_MS, limitBytes = DEFAULT_LIMIT_BYTES }: Sending,
): Promise<{ parts: AsyncIterable<Buffer>; reply: Reply }> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const what = `${method} ${url.origin}${url.pathname}`;
  const begin = performance.now();
  const signal = AbortSignal.timeout(limitMs);

  async function* partsOf(response: IncomingMessage): AsyncIterable<Buffer> {
    let bytes = 0;
    try {
      for await (const part of response as AsyncIterable<Buffer>) {
        bytes += part.length;
        if (bytes > limitBytes) break;
        yield part;
      }
    } catch (error) {
      const reason = signal.aborted ? `no end within ${limitMs / 1000} s` : 'cut';
      throw new Error(`${what}: the answer after ${bytes} bytes: ${reason}`, { cause: error });
    }
    if (bytes > limitBytes) throw new Error(`${what}: the answer has more than ${limitBytes} bytes`);
  }

  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        headers,
        agent: false,
        signal,
      },
      response => {
        const { statusCode: status = 0 } = response;
        const received = Object.entries(response.headers).map(
          ([name, value]) => [name, String(value)] as const,
        );
        const waitedMs = performance.now() - begin;
        resolve({
          parts: partsOf(response),
          reply: { status, headers: Object.fromEntries(received), waitedMs },
        });
      },
    );
    sent.once('error', error => {
      const reason = signal.aborted ? `no answer within ${limitMs / 1000} s` : error.message || error.name;
      reject(new Error(`${what}: ${reason}`, { cause: error }));
    });
    sent.end();
  });
}
