// The registry in a process of its own, as functions-framework serves it, on the services of this process.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { NO_LIMITS } from '#local/local-environment.ts';
import { readyMessageSchema } from '#local/program-entry.ts';
import { BUCKET, PROJECT } from '#test/cloud.ts';

export interface RegistryProcess extends AsyncDisposable {
  readonly port: number;
  isRunning(): boolean;
  /** What is still needed, after a collection. Bytes. */
  heapUsed(): Promise<number>;
}

const ROOT = resolve(import.meta.dirname, '../..');

/** Longer than any answer takes, and too short to wait for a build. Seconds. */
const HOLD_SECONDS = 0.001;

/** Characters. */
const SAID_LIMIT = 4_000;

const heapSchema = z.object({ type: z.literal('heap'), bytes: z.number() });

export async function startRegistry(): Promise<RegistryProcess> {
  const child = fork(join(ROOT, 'infra/local/function-server.ts'), {
    execArgv: ['--expose-gc', '--import', join(import.meta.dirname, 'heap-reporter.ts')],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: '0',
      FUNCTION_SOURCE: join(ROOT, 'functions/registry/index.ts'),
      FUNCTION_TARGET: 'registry',
      GOOGLE_CLOUD_PROJECT: PROJECT,
      DERIVERY_SOURCE: 'debian',
      DERIVERY_SOURCES: 'a=debian b=debian git-*=git:https://example.org/set',
      DERIVERY_BLOB_URL: `http://storage.example.org/${BUCKET}/blobs`,
      DERIVERY_HOP_SECRET: randomBytes(32).toString('hex'),
      ...NO_LIMITS,
      DERIVERY_HOLD_SECONDS: String(HOLD_SECONDS),
      DERIVERY_LONG_HOLD_SECONDS: String(HOLD_SECONDS),
    },
  });
  // Express writes a stack for each address that it cannot decode: only what was said last is of interest, and only at the end.
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_LIMIT)));
  child.once('exit', (code, signal) => {
    if (signal !== 'SIGKILL') console.error(`the registry ended (${code ?? signal}):\n${said}`);
  });
  const [ready] = (await once(child, 'message')) as unknown[];
  const { port = 0 } = readyMessageSchema.parse(ready);
  return {
    port,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async heapUsed() {
      child.send('heap');
      const [message] = (await once(child, 'message')) as unknown[];
      return heapSchema.parse(message).bytes;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
