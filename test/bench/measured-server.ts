// Servers that are measured: each in a process of its own, as an instance is, and run by Node in the same way.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NO_LIMITS, FUNCTION_NODE_OPTIONS } from '#local/local-environment.ts';
import { startRun } from '#local/supervised-program.ts';
import { PROJECT } from '#test/cloud.ts';

export interface MeasuredServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to the first answer. Milliseconds. */
  readonly firstAnswerMs: number;
  /** The processor time that it has taken so far. Microseconds, in steps of 10,000. */
  readonly cpuTime: () => number;
}

/** A function, by its file and what that exports. */
export interface ServedFunction {
  readonly source: string;
  readonly target: string;
  readonly settings?: NodeJS.ProcessEnv;
}

const ROOT = resolve(import.meta.dirname, '../..');

const SERVERS = {
  'functions-framework': join(ROOT, 'infra/local/function-server.ts'),
  'node:http': join(import.meta.dirname, 'node-server.ts'),
  'no HTTP server': join(import.meta.dirname, 'bare-server.ts'),
};

/** Does nothing: what the server itself takes for a request. */
export const EMPTY: ServedFunction = {
  source: join(import.meta.dirname, 'empty-handler.ts'),
  target: 'empty',
};

/** Answers the same manifest whatever is asked. */
export const BARE: ServedFunction = { source: join(import.meta.dirname, 'bare-handler.ts'), target: 'bare' };

/** The registry, on the Firestore that this process has started. */
export function registryFunction(
  settings: NodeJS.ProcessEnv = {},
  source = join(ROOT, 'functions/registry/index.ts'),
): ServedFunction {
  return {
    source,
    target: 'registry',
    settings: {
      GOOGLE_CLOUD_PROJECT: PROJECT,
      DERIVERY_SOURCE: 'debian',
      DERIVERY_BLOB_URL: 'http://storage.example.org/bucket',
      DERIVERY_HOP_SECRET: '0'.repeat(32),
      ...NO_LIMITS,
      ...settings,
    },
  };
}

/** Starts a server, and waits until it has answered `/v2/`. */
export async function startServer(
  kind: keyof typeof SERVERS,
  { source, target, settings }: ServedFunction = EMPTY,
): Promise<MeasuredServer> {
  const startedAt = performance.now();
  const run = startRun(
    {
      name: target,
      file: SERVERS[kind],
      environment: () => ({
        ...process.env,
        NODE_ENV: 'production',
        NODE_OPTIONS: FUNCTION_NODE_OPTIONS,
        PORT: '0',
        FUNCTION_SOURCE: source,
        FUNCTION_TARGET: target,
        ...settings,
      }),
      restarts: false,
    },
    line => {
      if (!line.includes('"severity":"INFO"')) console.error(`${target}: ${line}`);
    },
  );
  const { port = 0 } = await run.ready;
  const answer = await fetch(`http://127.0.0.1:${port}/v2/`);
  await answer.arrayBuffer();
  const firstAnswerMs = performance.now() - startedAt;
  const cpuTime = (): number => cpuTimeOf(run.pid);
  return { pid: run.pid, port, firstAnswerMs, cpuTime, [Symbol.asyncDispose]: () => run.end(5_000) };
}

/** User and system time of all its threads (proc(5), /proc/pid/stat), in ticks of a hundredth of a second. */
function cpuTimeOf(pid: number): number {
  const [, afterName = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = afterName.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
