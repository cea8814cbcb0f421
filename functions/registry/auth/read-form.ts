// The body of a request as a form, of a few kilobytes: functions-framework would read a gigabyte (take-server.ts).
import type { IncomingMessage } from 'node:http';
import { RegistryError } from '#core/errors.ts';

/** Room for a token of Google's, an identity token and sixteen scopes. Bytes. */
const LIMIT = 16_384;

/** Clients send a form in one go. Milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Throws a RegistryError where there is no form, no small one, or not the whole of it; the connection is of no more use then. That
 * a client leaves in the middle is its own affair: anyone could fill the log with it.
 */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = request.headers;
  if (!/^application\/x-www-form-urlencoded *(?:;|$)/i.test(type) || encoding !== 'identity') {
    throw refused(415, 'a token is asked for by a form: application/x-www-form-urlencoded, not encoded');
  }
  if (Number(request.headers['content-length'] ?? 0) > LIMIT) throw tooLarge();
  const late = AbortSignal.timeout(PATIENCE_MS);
  const onLate = (): void => void request.destroy();
  late.addEventListener('abort', onLate);
  try {
    return new URLSearchParams(await readText(request));
  } catch (error) {
    if (!request.destroyed) throw error;
    throw refused(408, 'the form did not come to its end');
  } finally {
    late.removeEventListener('abort', onLate);
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LIMIT) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function tooLarge(): RegistryError {
  return refused(413, `a form for a token has ${LIMIT} bytes at most`);
}

function refused(status: number, message: string): RegistryError {
  return new RegistryError(status, 'UNSUPPORTED', message, { connection: 'close' });
}
