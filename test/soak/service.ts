// One of Google's services for a soak: a stand-in that is killed and comes back with its data, behind a network that fails.
import { join, resolve } from 'node:path';
import { localEnvironment } from '#local/local-environment.ts';
import { startRun, type Run } from '#local/supervised-program.ts';
import type { History } from './history.ts';
import type { Service } from './plan.ts';
import type { FaultMessage } from './programs/stand-in.ts';
import { startProxy, type Proxy } from './proxy.ts';
import type { ProgramLogs } from './program-logs.ts';

const PROGRAM = resolve(import.meta.dirname, 'programs/stand-in.ts');

export interface ServiceOptions {
  readonly name: Service;
  /** Where its data and Firestore's commits lie. */
  readonly folder: string;
  readonly history: History;
  readonly logs: ProgramLogs;
}

export interface RunningService {
  /** What the programs of a deployment reach it through. */
  readonly proxy: Proxy;
  /** Where the soak itself reaches it, past the faults. */
  readonly port: number;
  pid(): number;
  kill(): Promise<void>;
  start(): Promise<void>;
  send(message: FaultMessage): void;
  stop(): Promise<void>;
}

export async function startService({ name, folder, history, logs }: ServiceOptions): Promise<RunningService> {
  const proxy = await startProxy();
  let port = 0;
  let run: Run | undefined;

  async function start(): Promise<void> {
    const begun = startRun(
      {
        name,
        file: PROGRAM,
        environment: () => ({
          ...process.env,
          ...localEnvironment(),
          STAND_IN: name,
          STAND_IN_PORT: String(port),
          STAND_IN_DATA: join(folder, name),
          STAND_IN_COMMITS: join(folder, 'commits.jsonl'),
        }),
        restarts: false,
      },
      line => logs.add(name, line),
    );
    run = begun;
    const { pid } = begun;
    history.note({ kind: 'program', program: name, pid, event: 'started' });
    void begun.ended.then(how => history.note({ kind: 'program', program: name, pid, event: 'ended', how }));
    port = (await begun.ready).port ?? port;
    proxy.targets = [port];
    history.note({ kind: 'program', program: name, pid, event: 'ready' });
  }

  await start();
  return {
    proxy,
    port,
    pid: () => run?.pid ?? 0,
    async kill() {
      if (run?.isAlive() !== true) return;
      process.kill(run.pid, 'SIGKILL');
      await run.ended;
    },
    start,
    send: message => run?.send(message),
    async stop() {
      proxy.close();
      await run?.end(5_000);
    },
  };
}
