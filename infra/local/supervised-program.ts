// One run of a program under the supervisor: a Node process with a channel for messages and its output as lines.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StartError } from './start-error.ts';
import { readyMessageSchema, type ReadyMessage } from './program-entry.ts';

const PRELOAD = fileURLToPath(new URL('end-with-parent.ts', import.meta.url));

/** How long the last lines of a program that ended are waited for, in milliseconds. */
const LAST_WORDS = 500;

export interface Program {
  readonly name: string;
  /** The file that Node runs. */
  readonly file: string;
  /** Asked for at each start, so that a program comes back where it was. */
  readonly environment: () => NodeJS.ProcessEnv;
  /** File descriptors of sockets that it is to listen on. It is told them by their numbers, in {@link SOCKETS}. */
  readonly sockets?: readonly number[];
  /** Whether the system goes on without it while it is started again. */
  readonly restarts: boolean;
}

/** The variable that names the descriptors of the sockets, with commas between. */
const SOCKETS = 'LISTEN_SOCKETS';

/** Input, output, errors and messages. */
const OWN_STDIO = ['ignore', 'pipe', 'pipe', 'ipc'] as const;

/** How a run ended: `exit code 1`, `killed by SIGKILL`. */
export type Ending = string;

export interface Run {
  readonly pid: number;
  /** Fails with a {@link StartError} where the program ends before it is ready. */
  readonly ready: Promise<ReadyMessage>;
  /** Resolves when the process is gone and its output has been read. */
  readonly ended: Promise<Ending>;
  isAlive(): boolean;
  /** Sends the program a message; lost where it is gone. */
  send(message: object): void;
  /** Asks the program to end, and ends it after `grace` milliseconds. */
  end(grace: number): Promise<void>;
}

/**
 * Starts a program. `inherited` are open file descriptors that it keeps until it ends, unread.
 */
export function startRun(
  program: Program,
  onLine: (line: string) => void,
  inherited: readonly number[] = [],
): Run {
  const sockets = program.sockets ?? [];
  // A descriptor has the number of its place.
  const numbers = sockets.map((_, index) => OWN_STDIO.length + index);
  const child = spawn(process.execPath, ['--import', PRELOAD, program.file], {
    env: { ...program.environment(), ...(sockets.length > 0 && { [SOCKETS]: numbers.join(',') }) },
    stdio: [...OWN_STDIO, ...sockets, ...inherited],
  });
  for (const output of [child.stdout, child.stderr]) {
    // Readable throughout: the stream types do not know that `pipe` was asked for.
    if (output) createInterface({ input: output, crlfDelay: Infinity }).on('line', onLine);
  }
  const ended = endOf(child);
  const ready = readyMessageOf(child, program.name, ended);
  // Whoever does not wait for it must not bring the supervisor down.
  ready.catch(() => {});
  return {
    pid: child.pid ?? 0,
    ready,
    ended,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    send: message => {
      if (child.connected) child.send(message, () => {});
    },
    async end(grace) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), grace);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function endOf(child: ChildProcess): Promise<Ending> {
  const closed = new Promise<void>(resolve => {
    child.once('close', () => resolve());
  });
  const ending = await new Promise<Ending>(resolve => {
    child.on('error', error => resolve(`it cannot be run: ${error.message}`));
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
  // A process that it left behind may hold the output open for ever.
  await Promise.race([closed, pause(LAST_WORDS)]);
  return ending;
}

function readyMessageOf(child: ChildProcess, name: string, ended: Promise<Ending>): Promise<ReadyMessage> {
  return new Promise((resolve, reject) => {
    child.on('message', message => {
      const parsed = readyMessageSchema.safeParse(message);
      if (parsed.success) resolve(parsed.data);
    });
    void ended.then(ending => reject(new StartError(`The ${name} ended before it was ready (${ending}).`)));
  });
}
