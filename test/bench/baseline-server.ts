// Servers that do nothing, to compare with: each in a process of its own, as the registry is.
import { join, resolve } from 'node:path';
import { startRun, type Program } from '#local/supervised-program.ts';

export interface BaselineServer extends AsyncDisposable {
  /** `http://…/` */
  readonly address: string;
}

const FUNCTION_SERVER = resolve(import.meta.dirname, '../../infra/local/function-server.ts');

/** An empty function, served as the registry is: by functions-framework, in the same program. */
export function startEmptyFunction(): Promise<BaselineServer> {
  return start({
    name: 'empty function',
    file: FUNCTION_SERVER,
    environment: () => ({
      ...process.env,
      NODE_ENV: 'production',
      PORT: '0',
      FUNCTION_SOURCE: join(import.meta.dirname, 'empty-handler.ts'),
      FUNCTION_TARGET: 'empty',
    }),
    restarts: false,
  });
}

/** No HTTP server at all: shows where the load generator itself is the limit. */
export function startBareServer(): Promise<BaselineServer> {
  return start({
    name: 'bare server',
    file: join(import.meta.dirname, 'bare-server.ts'),
    environment: () => process.env,
    restarts: false,
  });
}

async function start(program: Program): Promise<BaselineServer> {
  const run = startRun(program, line => console.error(`${program.name}: ${line}`));
  const { port } = await run.ready;
  return { address: `http://127.0.0.1:${port}/`, [Symbol.asyncDispose]: () => run.end(1000) };
}
