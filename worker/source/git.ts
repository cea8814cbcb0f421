// Running git so that it does what we say and nothing else: no question, no configuration of the machine, no hook, no
// protocol but the one that the operator wrote.
import { execa } from 'execa';
import { ConfigurationError, TransientError } from '#core/errors.ts';
import type { GitProtocol } from '#core/git-url.ts';
import { Tail } from '../nix/tail.ts';
import { stopGroup } from '../process-group.ts';

export interface GitSettings {
  /** The worker's environment: its HOME has the netrc, its user the SSH keys. GIT_SSH_COMMAND names another ssh. */
  readonly environment: NodeJS.ProcessEnv;
  /** A server that says nothing for so long is given up. Milliseconds. */
  readonly patienceMs: number;
}

export interface GitOptions {
  readonly signal: AbortSignal;
  /** The protocol that git may speak; without one it stays on this machine. */
  readonly protocol?: GitProtocol;
  /** Variables for this command alone. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface GitResult {
  readonly succeeded: boolean;
  readonly stdout: string;
  /** The end of stderr. */
  readonly stderr: string;
}

/** Something killed git: others, the kernel for want of memory, or a fault of its own. */
export class GitKilledError extends TransientError {
  readonly signal: NodeJS.Signals | undefined;

  constructor(signal: NodeJS.Signals | undefined) {
    super(`git was killed (${signal})`);
    this.signal = signal;
  }
}

/** Runs a git command to its end. */
export type Git = (args: readonly string[], options: GitOptions) => Promise<GitResult>;

/** A server's silence of a minute, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Characters of stderr that are kept. */
const STDERR_LIMIT = 64 * 1024;

/**
 * Git for this worker. A command's exit code says whether it succeeded. Aborting the signal ends it with all it started,
 * and throws the signal's reason. Throws a {@link TransientError} where a server is silent, a {@link GitKilledError} where something kills git, and a
 * {@link ConfigurationError} where there is no git.
 */
export function openGit({ environment, patienceMs }: Partial<GitSettings> = {}): Git {
  const worker = environment ?? process.env;
  const patience = patienceMs ?? PATIENCE_MS;
  return async (args, options) => {
    const { signal, protocol } = options;
    signal.throwIfAborted();
    // The kernel kills git with the thread that started it: a worker that is killed cannot.
    const child = execa('setpriv', ['--pdeathsig=KILL', 'git', ...configuration(patience), ...args], {
      env: { ...variables(worker, protocol), ...options.environment },
      extendEnv: false,
      // Not in a repository by accident, whose configuration would count.
      cwd: '/',
      stdin: 'ignore',
      buffer: { stdout: true, stderr: false },
      stripFinalNewline: false,
      // A group of its own, to be ended as a whole.
      detached: true,
      reject: false,
    });

    const ended = new AbortController();
    const stop = (): void => void stopGroup(child.pid, ended.signal);
    const silence = protocol === undefined ? undefined : watchSilence(patience, stop);
    const stderr = new Tail(STDERR_LIMIT);
    child.stdout.on('data', () => silence?.heard());
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      silence?.heard();
      stderr.add(text);
    });
    signal.addEventListener('abort', stop, { once: true });
    const result = await child;
    signal.removeEventListener('abort', stop);
    silence?.end();
    ended.abort();

    signal.throwIfAborted();
    if (silence?.isOver() === true) {
      throw new TransientError(`the git server said nothing for ${patience / 1000} s`);
    }
    if (result.isTerminated) throw new GitKilledError(result.signal);
    if (result.exitCode === undefined || /^setpriv: /m.test(stderr.text())) {
      throw new ConfigurationError(`git cannot be run: ${result.shortMessage}`);
    }
    return { succeeded: result.exitCode === 0, stdout: result.stdout, stderr: stderr.text() };
  };
}

/** What a repository's or the machine's configuration could say otherwise. */
const CONFIGURATION = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.autocrlf=false',
  'core.attributesFile=/dev/null',
  'gc.auto=0',
  'maintenance.auto=false',
  'fetch.recurseSubmodules=false',
  // What is lost with the power is fetched again.
  'core.fsync=none',
  // What is fetched stays in packs, which can be counted.
  'fetch.unpackLimit=1',
];

/** Git's helper for HTTP outlives a git that is killed: it has to lose patience by itself. */
function configuration(patienceMs: number): string[] {
  const lowSpeed = ['http.lowSpeedLimit=1', `http.lowSpeedTime=${Math.ceil(patienceMs / 1000)}`];
  return [...CONFIGURATION, ...lowSpeed].flatMap(setting => ['-c', setting]);
}

/** How programs, credentials and the network are found. Nothing that tells git what to do. */
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NIX_SSL_CERT_FILE',
  'GIT_SSL_CAINFO',
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap(name => [name, name.toUpperCase()]),
];

function variables(
  worker: NodeJS.ProcessEnv,
  protocol: GitProtocol | undefined,
): Record<string, string | undefined> {
  const ssh = worker['GIT_SSH_COMMAND'] ?? 'ssh';
  return {
    ...Object.fromEntries(INHERITED.map(name => [name, worker[name]])),
    // Its messages are read.
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    // Never a question at a terminal that nobody reads.
    GIT_TERMINAL_PROMPT: '0',
    // An operator's folder is only read.
    GIT_OPTIONAL_LOCKS: '0',
    // Of redirects and submodules too (git(1)). Where it is empty nothing is allowed.
    GIT_ALLOW_PROTOCOL: protocol ?? '',
    GIT_SSH_COMMAND: `${ssh} -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15`,
    GIT_SSH_VARIANT: 'ssh',
  };
}

interface Silence {
  /** Something was heard. */
  readonly heard: () => void;
  readonly isOver: () => boolean;
  readonly end: () => void;
}

/** Calls `onOver` when nothing was heard for so many milliseconds. */
function watchSilence(patienceMs: number, onOver: () => void): Silence {
  let over = false;
  const timer = setTimeout(() => {
    over = true;
    onOver();
  }, patienceMs);
  return {
    heard: () => void (over || timer.refresh()),
    isOver: () => over,
    end: () => clearTimeout(timer),
  };
}
