// All writes of a commit, or none.
import { toTimestamp, type Micros } from './clock.ts';
import { invalid } from './errors.ts';
import { documentSize } from './fields.ts';
import type { DocumentName } from './names.ts';
import type { DocumentStore } from './store.ts';
import { isDocument, type Version } from './version.ts';
import type { WriteResult } from './wire.ts';
import { applyWrite, type Precondition, type Write } from './writes.ts';

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
  return results.map((result, index) => withFinalTime(result, writes[index], store));
}

/** Writes to one document count as one: each result tells what became of it in the end. */
function withFinalTime(result: WriteResult, write: Write | undefined, store: DocumentStore): WriteResult {
  const version = write && store.latest(write.name);
  const { updateTime: _earlier, ...rest } = result;
  if (!version || !isDocument(version)) return rest;
  return { ...rest, updateTime: toTimestamp(version.updateTime) };
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

/** What the writes so far make of a document. */
interface Sequence {
  readonly last: string;
  readonly deletes: boolean;
  /** The version that one of them asks for. */
  readonly version: Micros | undefined;
}

/**
 * Writes to one document that contradict each other are refused whatever is stored: creating what an earlier
 * write has left there, needing what an earlier write has deleted, or asking for two different versions.
 */
function checkSequences(writes: readonly Write[]): void {
  const sequences = new Map<DocumentName, Sequence>();
  for (const write of writes) {
    const { precondition, operation } = write;
    const version = precondition.kind === 'updated at' ? precondition.time : undefined;
    const next = { last: describe(write), deletes: operation.kind === 'delete', version };
    const before = sequences.get(write.name);
    if (before) checkSequence(before, next, precondition);
    sequences.set(write.name, { ...next, version: before?.version ?? version });
  }
}

function checkSequence(before: Sequence, next: Sequence, { kind }: Precondition): void {
  const sameVersion = next.version !== undefined && next.version === before.version;
  const needsDocument = kind === 'exists' || (kind === 'updated at' && !(next.deletes && sameVersion));
  if (before.deletes ? needsDocument : kind === 'missing') {
    invalid(`Cannot ${before.last} then ${next.last} an entity in the same request.`);
  }
  if (next.version !== undefined && !sameVersion) {
    invalid('Cannot collapse mutations with different version preconditions.');
  }
}

function describe({ operation, precondition }: Write): string {
  if (operation.kind === 'delete') return 'delete';
  if (precondition.kind === 'missing') return 'insert';
  return precondition.kind === 'none' ? 'upsert' : 'update';
}
