// How long each phase of a build took: what the log says of it, and what a benchmark reads there.
import type { Phase } from '#core/image-document.ts';

export interface Timing {
  /** From the start to the stop. */
  readonly seconds: number;
  /** Of each phase that was entered, in the order in which they were first; one that was entered again has the sum. */
  readonly phases: Readonly<Partial<Record<Phase['name'], number>>>;
}

export interface Stopwatch {
  /** Another phase begins, or the same goes on. */
  enter(phase: Phase['name']): void;
  stop(): Timing;
}

export function startStopwatch(): Stopwatch {
  const startedAt = performance.now();
  const spent = new Map<Phase['name'], number>();
  let present: { readonly phase: Phase['name']; readonly since: number } | undefined;

  function leave(now: number): void {
    if (present === undefined) return;
    const { phase, since } = present;
    spent.set(phase, (spent.get(phase) ?? 0) + (now - since));
  }

  return {
    enter(phase) {
      const now = performance.now();
      leave(now);
      present = { phase, since: now };
    },
    stop() {
      const now = performance.now();
      leave(now);
      const phases = [...spent].map(([phase, time]) => [phase, toSeconds(time)] as const);
      return { seconds: toSeconds(now - startedAt), phases: Object.fromEntries(phases) };
    },
  };
}

/** Milliseconds to seconds, to a thousandth. */
function toSeconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
