// All writes of a commit, or none.
import type { Micros } from './clock.ts';
import { invalid } from './errors.ts';
import { documentSize } from './fields.ts';
import type { DocumentName } from './names.ts';
import type { DocumentStore } from './store.ts';
import type { Version } from './version.ts';
import type { WriteResult } from './wire.ts';
import { applyWrite, type Write } from './writes.ts';

/** https://firebase.google.com/docs/firestore/quotas: "Maximum API request size" */
const MAX_COMMIT_BYTES = 10 * 1024 * 1024;

/**
 * Applies the writes in their order, each seeing what those before it did, and stores the result as one version.
 *
 * @throws the error of the first write that fails; nothing is stored then
 */
export function commitWrites(store: DocumentStore, writes: readonly Write[], now: Micros): WriteResult[] {
  checkCommitSize(writes);
  checkSequences(writes);
  const changed = new Map<DocumentName, Version>();
  const results = writes.map(write => {
    const stored = store.latest(write.name);
    const current = changed.get(write.name) ?? stored;
    const { version, result } = applyWrite(write, current, stored, now);
    if (version && version !== current) changed.set(write.name, version);
    return result;
  });
  store.commit(
    [...changed.values()].filter(version => !leavesNothing(version, store)),
    now,
  );
  return results;
}

/** Created and deleted in one commit. */
function leavesNothing(version: Version, store: DocumentStore): boolean {
  return version.fields === undefined && store.latest(version.name)?.fields === undefined;
}

function checkCommitSize(writes: readonly Write[]): void {
  const bytes = writes.reduce((sum, { name, operation }) => {
    return sum + documentSize(name, operation.kind === 'delete' ? {} : operation.fields);
  }, 0);
  if (bytes > MAX_COMMIT_BYTES) {
    invalid(`Request payload size exceeds the limit: ${MAX_COMMIT_BYTES} bytes.`);
  }
}

/**
 * Writes to one document that contradict each other are refused whatever is stored: creating what an earlier
 * write has left there, needing what an earlier write has deleted, or asking for two different versions.
 */
function checkSequences(writes: readonly Write[]): void {
  const earlier = new Map<DocumentName, Write>();
  for (const write of writes) {
    const before = earlier.get(write.name);
    if (before) checkSequence(before, write);
    earlier.set(write.name, write);
  }
}

function checkSequence(before: Write, after: Write): void {
  const deleted = before.operation.kind === 'delete';
  const needed = after.precondition.kind;
  const contradiction =
    (needed === 'missing' && !deleted) || ((needed === 'exists' || needed === 'updated at') && deleted);
  if (contradiction) {
    invalid(`Cannot ${describe(before)} then ${describe(after)} an entity in the same request.`);
  }
  if (after.precondition.kind === 'updated at' && !sameVersion(before, after.precondition.time)) {
    invalid('Cannot collapse mutations with different version preconditions.');
  }
}

function sameVersion({ precondition }: Write, time: Micros): boolean {
  return precondition.kind === 'updated at' && precondition.time === time;
}

function describe({ operation, precondition }: Write): string {
  if (operation.kind === 'delete') return 'delete';
  if (precondition.kind === 'missing') return 'insert';
  return precondition.kind === 'none' ? 'upsert' : 'update';
}
