// Keeps the programs of a local system running: one that dies is started again, and none is left behind.
import { setTimeout as pause } from 'node:timers/promises';
import { StartError } from './start-error.ts';
import { startRun, type Program, type Run } from './supervised-program.ts';
import type { ReadyMessage } from './program-entry.ts';

export interface SupervisorOptions {
  /** A line that a program wrote. */
  readonly onLine: (name: string, line: string) => void;
  /** What a person should know: a program died and comes back. */
  readonly onNotice: (text: string) => void;
  /** Called with all running programs whenever one starts or ends. */
  readonly onProcesses: (pids: Readonly<Record<string, number>>) => void;
  /** Open files that every program keeps open while it lives. */
  readonly inherited?: readonly number[];
  /** Milliseconds a program may take to end. */
  readonly grace?: number;
  /** Milliseconds before a program is started again: the first pause, which doubles with each death up to the longest. */
  readonly firstPause?: number;
  readonly longestPause?: number;
}

/** A program that ran this long has got over its troubles: its next death counts as the first. Milliseconds. */
const HEALTHY = 30_000;

interface Kept {
  readonly program: Program;
  readonly stopping: AbortController;
  run: Run;
}

export class Supervisor {
  readonly #options: Required<SupervisorOptions>;
  readonly #kept = new Map<string, Kept>();
  #stopped = false;
  readonly #broken = Promise.withResolvers<never>();

  constructor(options: SupervisorOptions) {
    this.#options = { inherited: [], grace: 5000, firstPause: 200, longestPause: 10_000, ...options };
    this.#broken.promise.catch(() => {});
  }

  /** Never resolves. Fails with a {@link StartError} when a program dies that the others cannot do without. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /**
   * Starts a program and keeps it running. Resolves when it is ready; fails with a {@link StartError} where it ends
   * before that, for then another start would hardly help.
   */
  async start(program: Program): Promise<ReadyMessage> {
    if (this.#stopped)
      throw new StartError(`The ${program.name} is not started: everything is being stopped.`);
    const kept: Kept = { program, stopping: new AbortController(), run: this.#run(program) };
    this.#kept.set(program.name, kept);
    this.#changed();
    const ready = await kept.run.ready;
    void this.#keepRunning(kept);
    return ready;
  }

  /** Sends a message to a program; lost where it is not running. */
  send(name: string, message: object): void {
    this.#kept.get(name)?.run.send(message);
  }

  /**
   * Ends all programs, one group of names after the other, and then the rest: asked first, killed after the grace
   * period. Done when they are gone; nothing can be started any more.
   */
  async stop(groups: readonly (readonly string[])[] = []): Promise<void> {
    this.#stopped = true;
    for (const names of groups) await Promise.all(names.map(name => this.#stopOne(name)));
    await Promise.all([...this.#kept.keys()].map(name => this.#stopOne(name)));
  }

  /** Kills all programs without asking: for the person who cannot wait. */
  kill(): void {
    for (const { run, stopping } of this.#kept.values()) {
      stopping.abort();
      void run.end(0);
    }
  }

  async #stopOne(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    kept.stopping.abort();
    await kept.run.end(this.#options.grace);
    this.#kept.delete(name);
    this.#changed();
  }

  async #keepRunning(kept: Kept): Promise<void> {
    const { program, stopping } = kept;
    const { firstPause, longestPause } = this.#options;
    for (let next = firstPause; ; next = Math.min(next * 2, longestPause)) {
      const startedAt = performance.now();
      const ending = await kept.run.ended;
      if (stopping.signal.aborted) return;
      this.#changed();
      if (!program.restarts) {
        this.#broken.reject(new StartError(`The ${program.name} ended (${ending}).`));
        return;
      }
      if (performance.now() - startedAt > HEALTHY) next = firstPause;
      this.#options.onNotice(
        `The ${program.name} ended (${ending}). It is started again in ${next / 1000} s.`,
      );
      try {
        await pause(next, undefined, { signal: stopping.signal });
      } catch {
        return; // Stopped meanwhile.
      }
      kept.run = this.#run(program);
      this.#changed();
    }
  }

  #run(program: Program): Run {
    const { onLine, inherited } = this.#options;
    return startRun(program, line => onLine(program.name, line), inherited);
  }

  #changed(): void {
    const alive = [...this.#kept.values()].filter(({ run }) => run.isAlive());
    this.#options.onProcesses(Object.fromEntries(alive.map(({ program, run }) => [program.name, run.pid])));
  }
}
