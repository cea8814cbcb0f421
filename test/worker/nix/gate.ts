// Builders that come to an end when a test says so.
import { randomUUID } from 'node:crypto';
import { processesWith, untilRunning } from './processes.ts';

export interface Gate {
  /** A builder's script: it waits, and then makes its output. */
  readonly script: string;
  /** What waits in it, and then fails. */
  readonly waiting: string;
  /** Waits until the builder waits. */
  reached(): Promise<void>;
  /** The same, and has it go on. */
  open(): Promise<void>;
}

/** A builder waits for a process of its own to end. Its command line is not taken for that: it has the name in two parts. */
export function newGate(): Gate {
  const id = randomUUID();
  const name = `gate-${id}`;
  const waiting = `(exec -a "gate-""${id}" sleep 1000)`;
  const reached = (): Promise<void> => untilRunning(name, true);
  return {
    script: `${waiting} || echo ${id} >$out`,
    waiting,
    reached,
    async open() {
      await reached();
      for (const pid of await processesWith(name)) process.kill(pid);
    },
  };
}
