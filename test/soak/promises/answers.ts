// What no request may be answered: errors of the registry's own, and the absence of what was promised a moment ago.
import type { Noted } from '../history.ts';
import { inHistory, type Violation } from './violation.ts';

/** For how long after a fault of Firestore the registry may still be without it: its client comes back by and by. Milliseconds. */
const AFTERMATH_MS = 30_000;

/** `promisedMs`: for how long a blob is there after a manifest that names it. */
export function checkAnswers(
  history: readonly Noted[],
  { promisedMs }: { readonly promisedMs: number },
): Violation[] {
  const troubles = history
    .filter(record => record.kind === 'fault')
    .filter(({ target }) => target === 'firestore' || target === 'pubsub' || target.startsWith('registry'))
    .map(({ at, lastsMs }) => ({ from: at, to: at + lastsMs + AFTERMATH_MS }));
  const violations: Violation[] = [];
  for (const record of history) {
    if (record.kind !== 'request') continue;
    const { to, status, path, told = '', beganAt, at, line } = record;
    const found = (promise: string, what: string): void => {
      violations.push({ promise, what: `pull ${record.pull}, ${path}: ${what}`, at: inHistory(line) });
    };
    if (to === 'registry' && status >= 500) {
      const isExcused = troubles.some(({ from, to: end }) => beganAt < end && at > from);
      if (status !== 503 || !isExcused) found('no 5xx but 503 while Firestore is away', `${status} ${told}`);
    }
    if (record.what === 'blob' && status === 404 && record.namedAt !== undefined) {
      const afterMs = at - record.namedAt;
      if (afterMs < promisedMs)
        found('no manifest names a blob that is missing', `404 of ${to}, ${afterMs} ms after the manifest`);
    }
  }
  return violations;
}
