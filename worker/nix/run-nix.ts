// Running one Nix command so that nothing of it outlives the worker, however the worker ends.
import { execa } from 'execa';
import { ConfigurationError, TransientError } from '#core/errors.ts';
import { stopGroup } from '../process-group.ts';
import type { Nix } from './nix.ts';
import { Tail } from './tail.ts';
import { linesOf, textOf } from './lines-of.ts';

/** The commands whose arguments and output are the same from Nix 2.8 to 2.34. */
export type NixCommand = 'nix-hash' | 'nix-instantiate' | 'nix-store';

export interface NixOptions {
  readonly signal: AbortSignal;
  /** Called with each line of stderr as it comes. */
  readonly onLine?: (line: string) => void;
  /** Keep only so many characters of stdout, those at its end. All by default. */
  readonly stdoutLimit?: number;
  /** Memory that each process may have, in MiB, where that is not what other Nix commands may have. */
  readonly memoryMb?: number | undefined;
  /** The whole environment, where that is not what other Nix commands have. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface NixResult {
  readonly succeeded: boolean;
  readonly stdout: string;
  /** The end of stderr. */
  readonly stderr: string;
}

/** Characters of stderr that are kept: a message with its trace, and no more, whatever a builder prints. */
const STDERR_LIMIT = 64 * 1024;

/** Characters of one line that are kept: builders print lines of megabytes, and Nix repeats them around its message. */
const LINE_LIMIT = 2000;

const MIB = 1024 * 1024;

/**
 * Runs a Nix command to its end; the exit code says whether it `succeeded`. Aborting the signal ends it and its builders,
 * and throws the signal's reason. Throws a {@link TransientError} where something else killed it, and a
 * {@link ConfigurationError} where it cannot be run at all.
 */
export async function runNix(
  nix: Nix,
  command: NixCommand,
  args: readonly string[],
  { signal, onLine, stdoutLimit, memoryMb = nix.memoryMb, environment = nix.environment }: NixOptions,
): Promise<NixResult> {
  signal.throwIfAborted();
  const [program, ...confinement] = confined(process.getuid?.() === 0, memoryMb);
  const child = execa(program, [...confinement, command, ...args, ...nix.options], {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    buffer: { stdout: stdoutLimit === undefined, stderr: false },
    stripFinalNewline: false,
    // A group of its own: it is stopped as a whole, and not by a Ctrl-C that is meant for the worker to handle.
    detached: true,
    reject: false,
  });

  const stopped = new AbortController();
  const stop = (): void => void stopGroup(child.pid, stopped.signal);
  signal.addEventListener('abort', stop, { once: true });
  const stderr = new Tail(STDERR_LIMIT);
  const stdout = new Tail(stdoutLimit ?? 0);
  const [result] = await Promise.all([
    child,
    forEach(linesOf(child.iterable({ from: 'stderr', binary: true }), LINE_LIMIT), line => {
      stderr.add(`${line}\n`);
      onLine?.(line);
    }),
    stdoutLimit === undefined
      ? undefined
      : forEach(textOf(child.iterable({ from: 'stdout', binary: true })), text => stdout.add(text)),
  ]);
  signal.removeEventListener('abort', stop);
  stopped.abort();

  signal.throwIfAborted();
  const end = stderr.text();
  if (result.exitCode === undefined) {
    const problem = result.isTerminated ? `it was killed (${result.signal})` : result.shortMessage;
    throw result.isTerminated
      ? new TransientError(`${command} did not come to its end: ${problem}`)
      : new ConfigurationError(`Nix cannot be run: ${problem}`);
  }
  const wrapper = /^(?:setpriv|unshare|prlimit): (?<problem>.*)$/m.exec(end)?.groups?.['problem'];
  if (result.failed && wrapper !== undefined)
    throw new ConfigurationError(`${command} cannot be run: ${wrapper}`);
  return {
    succeeded: result.exitCode === 0,
    stdout: stdoutLimit === undefined ? String(result.stdout) : stdout.text(),
    stderr: end,
  };
}

/**
 * The command that Nix runs below. The kernel kills it with the thread that started it (a worker that is killed with
 * signal 9 cannot); and since Nix's builders would outlive a Nix that is killed, they share a process namespace whose
 * first process is Nix: with it, all end. Who is not root needs a user namespace for that, as Nix's sandbox does.
 *
 * `memoryMb` bounds the data of each process by itself (RLIMIT_DATA, setrlimit(2)): of Nix, whose evaluation is one
 * process, and of each one that a builder starts, a build of many may have as often. What is bounded is memory that can
 * be written and belongs to the process alone; address space that is only reserved, as by Go, Java and V8, does not count,
 * which it would with RLIMIT_AS. Builders of a Nix daemon are the daemon's processes, and bounded by its own settings.
 */
function confined(isRoot: boolean, memoryMb: number | undefined): readonly [string, ...string[]] {
  const namespaces = isRoot ? [] : ['--user', '--map-current-user'];
  const limits = memoryMb === undefined ? [] : ['prlimit', `--data=${memoryMb * MIB}`, '--'];
  return [
    'setpriv',
    '--pdeathsig=KILL',
    'unshare',
    ...namespaces,
    '--pid',
    '--mount-proc',
    '--fork',
    '--kill-child=KILL',
    '--',
    ...limits,
  ];
}

async function forEach(texts: AsyncIterable<string>, handle: (text: string) => void): Promise<void> {
  for await (const text of texts) handle(text);
}
