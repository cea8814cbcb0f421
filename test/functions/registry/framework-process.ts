// The registry in a process of its own under functions-framework's own command, as Cloud Run starts it.
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { NO_LIMITS } from '#local/local-environment.ts';
import { BUCKET, PROJECT } from '#test/cloud.ts';
import { LineLog } from '#test/e2e/line-log.ts';
import { observationSchema, type Fault } from './programs/observation.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** What the package's command runs. */
const COMMAND = join(
  dirname(createRequire(import.meta.url).resolve('@google-cloud/functions-framework')),
  'main.js',
);

export interface FrameworkProcess {
  readonly pid: number;
  readonly port: number;
  readonly log: LineLog;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Resolves when so many requests have come in all. */
  received(count: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Has something go wrong in it. */
  cause(fault: Fault): void;
}

/** Starts it on the services that this process uses. It ends with the test. */
export async function startFramework(
  context: TestContext,
  settings: NodeJS.ProcessEnv,
): Promise<FrameworkProcess> {
  const child = fork(COMMAND, {
    execArgv: ['--import', join(import.meta.dirname, 'programs/observed.ts')],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      PORT: '0',
      FUNCTION_SOURCE: join(ROOT, 'functions/registry/index.ts'),
      FUNCTION_TARGET: 'registry',
      GOOGLE_CLOUD_PROJECT: PROJECT,
      DERIVERY_SOURCE: 'debian',
      DERIVERY_BLOB_URL: `http://storage.example.org/${BUCKET}/blobs`,
      DERIVERY_HOP_SECRET: 'what-the-instances-of-this-test-have-in-common',
      ...NO_LIMITS,
      ...settings,
    },
  });
  const log = new LineLog();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', line => log.add(line));
  }
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  void ended.then(() => log.end());
  context.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  const listening = Promise.withResolvers<number>();
  const requests = new EventEmitter<{ come: [count: number] }>();
  let count = 0;
  child.on('message', message => {
    const observation = observationSchema.parse(message);
    if (observation.type === 'listening') listening.resolve(observation.port);
    else {
      count = observation.count;
      requests.emit('come', count);
    }
  });
  void ended.then(() => listening.reject(new Error(`it ended before it listened:\n${log.lines.join('\n')}`)));
  const port = await listening.promise;
  return {
    pid: child.pid ?? 0,
    port,
    log,
    ended,
    received: wanted =>
      new Promise(resolve => {
        const look = (): void => {
          if (count < wanted) return;
          requests.off('come', look);
          resolve();
        };
        requests.on('come', look);
        look();
      }),
    signal: signal => void child.kill(signal),
    cause: fault => void child.send({ fault }),
  };
}
