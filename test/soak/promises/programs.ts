// No program ends of its own accord, whatever it meets: it is killed, or asked to end.
import type { Noted } from '../history.ts';
import { inHistory, type Violation } from './violation.ts';

/** What ends before it is ready has found its services away, and is started again. */
export function checkPrograms(history: readonly Noted[]): Violation[] {
  const ready = new Set<number>();
  const violations: Violation[] = [];
  for (const record of history) {
    if (record.kind !== 'program') continue;
    const { program, pid, event, how = '' } = record;
    if (event === 'ready') ready.add(pid);
    if (event === 'ended' && ready.delete(pid) && /^exit code [^0]/.test(how))
      violations.push({
        promise: 'no program ends of its own accord',
        what: `${program} (${pid}): ${how}; logs/${program}.log says why`,
        at: inHistory(record.line),
      });
  }
  return violations;
}
