// No program that lives long has ever more memory.
import type { Noted } from '../history.ts';
import type { Violation } from './violation.ts';

/** What a program may have more of in the last quarter of its looks than in the second: caches, which are bounded. MiB. */
const GROWTH_MIB = 150;

/** Looks that a judgement needs. */
const LOOKS = 12;

export interface Growth {
  readonly program: string;
  readonly pid: number;
  /** Medians, in MiB. */
  readonly early: number;
  readonly late: number;
}

/** How the memory of each process that lived long enough went: the median of its second quarter, and of its last. */
export function growths(history: readonly Noted[]): Growth[] {
  const looks = Map.groupBy(
    history.filter(record => record.kind === 'memory'),
    ({ program, pid }) => `${program} ${pid}`,
  );
  return [...looks.values()]
    .filter(of => of.length >= LOOKS)
    .map(of => {
      const quarter = Math.floor(of.length / 4);
      const { program = '', pid = 0 } = of[0] ?? {};
      const median = (from: number): number =>
        of
          .slice(from, from + quarter)
          .map(({ mib }) => mib)
          .toSorted((a, b) => a - b)[Math.floor(quarter / 2)] ?? 0;
      return { program, pid, early: median(quarter), late: median(of.length - quarter) };
    });
}

export function checkMemory(history: readonly Noted[]): Violation[] {
  return growths(history)
    .filter(({ early, late }) => late - early > GROWTH_MIB)
    .map(({ program, pid, early, late }) => ({
      promise: 'memory is bounded',
      what: `${program} (${pid}) had ${early} MiB, and then ${late} MiB`,
    }));
}
