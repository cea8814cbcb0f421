// The same name at the same revision is the same image, on every worker, every time.
import type { Noted } from '../history.ts';
import { inHistory, type Violation } from './violation.ts';

export function checkDigests(history: readonly Noted[]): Violation[] {
  const first = new Map<string, { readonly digest: string; readonly line: number }>();
  const violations: Violation[] = [];
  for (const record of history) {
    if (record.kind !== 'pull' || record.outcome.kind !== 'image') continue;
    const { digest, revision } = record.outcome;
    // What is in a manifest says which ref it was pulled by: a commit's own is another image than the default's.
    const ref = record.reference === revision ? 'commit' : 'latest';
    if (record.reference.startsWith('sha256:')) continue;
    const of = `${record.name} (${ref}) at ${revision}`;
    const known = first.get(of);
    if (known === undefined) first.set(of, { digest, line: record.line });
    else if (known.digest !== digest)
      violations.push({
        promise: 'one image for each name and revision',
        what: `${of} is ${known.digest} in line ${known.line}, and ${digest}`,
        at: inHistory(record.line),
      });
  }
  return violations;
}
