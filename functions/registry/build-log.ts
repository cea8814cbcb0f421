// `GET|HEAD /builds/<id>/log`: the end of the log of a build that failed.
import { RegistryError } from '#core/errors.ts';
import type { BuildLogId, BuildLogs } from '#core/google/build-logs.ts';
import { printable } from '#core/printable.ts';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './answer.ts';

export interface BuildLogParts {
  readonly buildLogs: BuildLogs;
}

/** Plain text, whatever a builder wrote; whoever reads it with curl has it on a terminal. Throws a 404 where there is no such log, or none any more. */
export async function buildLog({ buildLogs }: BuildLogParts, id: BuildLogId): Promise<Answer> {
  const text = await buildLogs.read(id);
  if (text === undefined) {
    throw new RegistryError(404, 'UNKNOWN', 'there is no such log: they are kept for a day');
  }
  return {
    status: 200,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-transform',
      // Who has the address may read it: it is for nobody else to find.
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
    },
    body: `${printable(text)}\n`,
  };
}

/**
 * Where a log can be read, as the client knows us: by what it calls our host, and whether TLS ends before us. Only the path where
 * it says no host that could be one: nothing but the client's own answer depends on it.
 */
export function buildLogAddress(
  id: string,
  { host = '', 'x-forwarded-proto': protocol }: IncomingHttpHeaders,
): string {
  const path = `/builds/${id}/log`;
  if (!/^[A-Za-z0-9.:[\]-]{1,255}$/.test(host)) return path;
  return `${protocol === 'https' ? 'https' : 'http'}://${host}${path}`;
}
