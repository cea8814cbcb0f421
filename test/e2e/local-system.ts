// A whole Derivery in a process group of its own, started as `npm start` starts it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { LineLog, type LineMatch } from './line-log.ts';
import { buildForAll, givePackages } from './shared-state.ts';

const LOCAL = resolve(import.meta.dirname, '../../infra/local');

export interface LocalSystemOptions {
  /** The registry's port; by default one that is free. */
  readonly port?: number;
  /**
   * The state folder, used as it is; by default a fresh one, which has the Debian packages and nothing else, and is
   * removed when the system has been stopped.
   */
  readonly state?: string;
  /** Images whose packages are not built by the system, but copied from the store that all tests share. */
  readonly built?: readonly string[];
  /** A package source; by default the bundled set, which needs no network but Debian's. */
  readonly source?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface LocalSystem {
  /** `localhost:PORT`: what an image's name begins with. */
  readonly registry: string;
  /** Of the program that supervises the others, and of the whole process group. */
  readonly pid: number;
  readonly state: string;
  /** All that was printed so far. */
  readonly lines: readonly string[];
  /** The programs that run now: `start`, `stand-ins`, `registry`, `worker`, `prebuild`, `janitor`. */
  processes(): Promise<Readonly<Record<string, number>>>;
  /** The first line that matches, printed already or yet to come; only from line `since` on. Fails at the end. */
  waitFor(match: LineMatch, since?: number): Promise<string>;
  /** Ctrl-C: the whole group gets SIGINT. Resolves with the exit code when nothing prints any more. */
  stop(): Promise<number | null>;
  /** `kill -9` of the whole group. The state is left as it is. */
  kill(): Promise<void>;
}

/** Resolves when the system says that it is ready; fails with what it printed where it ends before. */
export async function startLocalSystem(options: LocalSystemOptions = {}): Promise<LocalSystem> {
  const { port = 0, source = 'debian', built = [], env } = options;
  const nixConfig = built.length === 0 ? {} : { NIX_CONFIG: await buildForAll(built) };
  const state = options.state ?? (await freshState());
  const child = spawn(
    process.execPath,
    // Ends with the test that started it, should the test be killed.
    ['--import', join(LOCAL, 'end-with-parent.ts'), join(LOCAL, 'start.ts'), '--source', source],
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, PORT: String(port), DERIVERY_STATE: state, ...nixConfig, ...env },
    },
  );
  const output = readLines(child);
  const pid = child.pid ?? 0;
  const forget = async (): Promise<void> => {
    if (options.state === undefined) await removeState(state);
  };
  try {
    const ready = await output.log.until(/ready at http:/);
    return {
      registry: /http:\/\/(?<address>\S+)/.exec(ready)?.groups?.['address'] ?? '',
      pid,
      state,
      lines: output.log.lines,
      processes: async () =>
        JSON.parse(await readFile(join(state, 'processes.json'), 'utf8')) as Record<string, number>,
      waitFor: (match, since) => output.log.until(match, since),
      async stop() {
        if (isRunning(child)) process.kill(-pid, 'SIGINT');
        await output.ended;
        await forget();
        return child.exitCode;
      },
      async kill() {
        if (isRunning(child)) process.kill(-pid, 'SIGKILL');
        await output.ended;
      },
    };
  } catch (error) {
    if (isRunning(child)) process.kill(-pid, 'SIGKILL');
    await output.ended;
    await forget();
    throw error;
  }
}

async function freshState(): Promise<string> {
  const state = await mkdtemp(join(tmpdir(), 'derivery-e2e-'));
  await givePackages(state);
  return state;
}

/** Nix makes its paths read-only, so an ordinary user cannot remove a store right away. */
export async function removeState(state: string): Promise<void> {
  await execa('chmod', ['-R', 'u+w', state], { reject: false });
  await execa('rm', ['-rf', state]);
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function readLines(child: ChildProcess) {
  const log = new LineLog();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', line => log.add(line));
  }
  // Every program of the group holds the output: it ends with the last of them.
  const ended = once(child, 'close').then(() => log.end());
  return { log, ended };
}
