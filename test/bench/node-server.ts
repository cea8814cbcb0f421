// Serves one function on Node's own HTTP server, without functions-framework; told which as function-server.ts is.
import { createServer, type RequestListener } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { listenOnLoopback } from '#local/loopback.ts';
import { sayReady } from '#local/program-entry.ts';

const { FUNCTION_SOURCE: source = '', FUNCTION_TARGET: target = '' } = process.env;
const exported = (await import(pathToFileURL(resolve(source)).href)) as Record<string, RequestListener>;
const handler = exported[target];
if (handler === undefined) throw new Error(`${source} exports no ${target}`);
process.on('SIGTERM', () => process.exit(0));
sayReady({ port: await listenOnLoopback(createServer(handler), 0) });
