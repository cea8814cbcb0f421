// Serves one function with Google's functions-framework, as Cloud Run does, but on the loopback interface only: the
// framework's own command listens on every interface and cannot be told otherwise.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  cloudEvent,
  http,
  type CloudEventFunction,
  type HttpFunction,
} from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { z } from 'zod';
import { createLog } from '#core/google/log.ts';
import { readSettings } from '#core/google/settings.ts';
import { listenOnHeldPort } from './held-port.ts';
import { listenOnLoopback } from './loopback.ts';
import { runEntry, sayReady } from './program-entry.ts';

/** The variables that the framework's command reads. */
const schema = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  /** And ours: sockets that listen already, in place of a port (supervised-program.ts). */
  LISTEN_SOCKETS: z
    .string()
    .transform(text => text.split(',').map(Number))
    .optional(),
  FUNCTION_SOURCE: z.string(),
  FUNCTION_TARGET: z.string(),
  FUNCTION_SIGNATURE_TYPE: z.enum(['http', 'cloudevent']).default('http'),
});

const log = createLog('functions-framework');

await runEntry(log, async () => {
  const settings = readSettings(schema, process.env);
  const { FUNCTION_SOURCE: source, FUNCTION_TARGET: target } = settings;
  const exported = (await import(pathToFileURL(resolve(source)).href)) as Record<string, unknown>;
  const handler = exported[target];
  if (typeof handler !== 'function') throw new Error(`${source} exports no function named ${target}`);
  if (settings.FUNCTION_SIGNATURE_TYPE === 'http') http(target, handler as HttpFunction);
  else cloudEvent(target, handler as CloudEventFunction);

  // The framework exits at once; the function's own handler, which is older, has run by then.
  process.on('SIGTERM', () => process.exit(0));

  const server = getTestServer(target);
  // As the framework's command does: a request may be held as long as it takes.
  server.setTimeout(0);
  const { LISTEN_SOCKETS: sockets, PORT: port } = settings;
  if (sockets === undefined) {
    sayReady({ port: await listenOnLoopback(server, port) });
  } else {
    await listenOnHeldPort(server, sockets);
    sayReady();
  }
});
