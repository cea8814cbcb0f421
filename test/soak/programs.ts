// The programs of Derivery in a soak: each is killed, and started again as whoever runs it would.
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { holdPort } from '#local/held-port.ts';
import { startRun, type Program, type Run } from '#local/supervised-program.ts';
import type { History } from './history.ts';
import type { ProgramName } from './plan.ts';
import type { ProgramLogs } from './program-logs.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** How long a program may take to end that was asked to: what Cloud Run gives, and a bit. Milliseconds. */
const GRACE_MS = 12_000;

/** A program that ends by itself is started again after so long. Milliseconds. */
const RESTART_MS = 1_000;

export type RunningPrograms = ReturnType<typeof createPrograms>;

/** `onRegistries`: told the ports of the registries that run, whenever one comes or goes. */
export function createPrograms(
  environments: Readonly<Record<ProgramName, NodeJS.ProcessEnv>>,
  { history, logs }: { readonly history: History; readonly logs: ProgramLogs },
  onRegistries: (ports: readonly number[]) => void,
) {
  const runs = new Map<ProgramName, Run>();
  const registries = new Map<ProgramName, number>();
  const frozen = new Set<ProgramName>();
  /** Programs that somebody has taken down for a while. */
  const down = new Set<ProgramName>();
  const held = { prebuild: holdPort(0), janitor: holdPort(0) };
  /** Programs that are not started again. */
  const over = new Set<ProgramName>();

  function programOf(name: ProgramName): Program {
    const environment = () => environments[name];
    if (name.startsWith('worker')) {
      return { name, file: resolve(ROOT, 'worker/index.ts'), environment, restarts: false };
    }
    const sockets = name === 'prebuild' || name === 'janitor' ? held[name].sockets : [];
    return {
      name,
      file: resolve(ROOT, 'infra/local/function-server.ts'),
      environment,
      sockets,
      restarts: false,
    };
  }

  async function start(name: ProgramName): Promise<void> {
    const run = startRun(programOf(name), line => logs.add(name, line));
    const { pid } = run;
    runs.set(name, run);
    history.note({ kind: 'program', program: name, pid, event: 'started' });
    void run.ended.then(how => {
      history.note({ kind: 'program', program: name, pid, event: 'ended', how });
      if (registries.delete(name)) onRegistries([...registries.values()]);
      if (!down.has(name)) void comeBack(name);
    });
    const { port } = await run.ready;
    history.note({ kind: 'program', program: name, pid, event: 'ready' });
    if (name.startsWith('registry') && port !== undefined) {
      registries.set(name, port);
      onRegistries([...registries.values()]);
    }
  }

  async function comeBack(name: ProgramName): Promise<void> {
    await pause(RESTART_MS);
    await revive(name);
  }

  /** Starts it, unless it runs, or has ended for good. What keeps it from starting is in its log, and it is tried again. */
  async function revive(name: ProgramName): Promise<void> {
    if (over.has(name) || runs.get(name)?.isAlive() === true) return;
    await start(name).catch(() => {});
  }

  return {
    /** Where messages of the topics are posted to. */
    ports: { prebuild: held.prebuild.port, janitor: held.janitor.port },
    start,

    /** The processes that run now. */
    alive: (): [ProgramName, number][] =>
      [...runs].filter(([, run]) => run.isAlive()).map(([name, { pid }]) => [name, pid]),

    /** Ends it by a signal, and starts it again a while after its end. */
    async kill(name: ProgramName, signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void> {
      if (down.has(name)) return;
      down.add(name);
      const run = runs.get(name);
      if (signal === 'SIGKILL' && run?.isAlive() === true) process.kill(run.pid, signal);
      await (signal === 'SIGKILL' ? run?.ended : run?.end(GRACE_MS));
      await pause(downMs);
      down.delete(name);
      await revive(name);
    },

    /** Has it stand still for a while, as a machine does whose virtual processor is taken away. */
    async freeze(name: ProgramName, ms: number): Promise<void> {
      const run = runs.get(name);
      if (run === undefined || frozen.has(name) || !run.isAlive()) return;
      frozen.add(name);
      process.kill(run.pid, 'SIGSTOP');
      await pause(ms);
      frozen.delete(name);
      if (run.isAlive()) process.kill(run.pid, 'SIGCONT');
    },

    /** Ends these for good. */
    async stop(which: (name: ProgramName) => boolean = () => true): Promise<void> {
      for (const name of Object.keys(environments) as ProgramName[]) if (which(name)) over.add(name);
      const ending = [...runs].filter(([name]) => which(name));
      await Promise.all(ending.map(([, run]) => run.end(GRACE_MS)));
    },
  };
}
