// How long each phase of a build took: what the log says of it, and what a benchmark reads there.
import type { Phase } from '#core/image-document.ts';

export interface Timing {
  /** From the start to the stop. */
  readonly seconds: number;
  /** Of each phase that was entered, in that order. */
  readonly phases: Readonly<Partial<Record<Phase['name'], number>>>;
}

export interface Stopwatch {
  /** Another phase begins, or the same goes on. */
  enter(phase: Phase['name']): void;
  stop(): Timing;
}

export function startStopwatch(): Stopwatch {
  const startedAt = performance.now();
  const entered = new Map<Phase['name'], number>();
  return {
    enter(phase) {
      if (!entered.has(phase)) entered.set(phase, performance.now());
    },
    stop() {
      const now = performance.now();
      const ends = [...entered.values()].slice(1).concat(now);
      const phases = [...entered].map(
        ([phase, at], index) => [phase, toSeconds((ends[index] ?? now) - at)] as const,
      );
      return { seconds: toSeconds(now - startedAt), phases: Object.fromEntries(phases) };
    },
  };
}

/** Milliseconds to seconds, to a thousandth. */
function toSeconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
