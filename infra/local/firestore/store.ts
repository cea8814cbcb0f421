// The documents, in several versions: what is there now, and what was there a moment ago.
import type { Clock, Micros } from './clock.ts';
import type { Disk } from './disk.ts';
import { fail, status } from '#local/grpc-server.ts';
import { invalid } from './errors.ts';
import { collectionOf, type CollectionName, type DocumentName } from './names.ts';
import { isDocument, type StoredDocument, type Version } from './version.ts';

/** Called after each commit that changed something, with the names of what it wrote. */
export type CommitListener = (written: ReadonlySet<DocumentName>, time: Micros) => void;

/** Oldest first; never empty. */
type History = Version[];

/** Google's longest transaction, so no open one loses the versions it reads. */
const HISTORY: Micros = 270 * 1_000_000;

export class DocumentStore {
  readonly #clock: Clock;
  readonly #disk: Disk | undefined;
  readonly #collections = new Map<CollectionName, Map<DocumentName, History>>();
  /** Versions that replaced another one, oldest first: where history can be forgotten. */
  #replacements: Version[] = [];
  readonly #listeners = new Set<CommitListener>();
  /** From here on the versions are complete. */
  readonly #oldest: Micros;

  constructor(clock: Clock, disk?: Disk) {
    this.#clock = clock;
    this.#disk = disk;
    for (const document of disk?.load() ?? []) this.#append(document);
    this.#oldest = disk?.lastCommit() ?? 0;
  }

  /** The newest version, also when that is a deletion. */
  latest(name: DocumentName): Version | undefined {
    return this.#collections.get(collectionOf(name))?.get(name)?.at(-1);
  }

  documentAt(name: DocumentName, time: Micros): StoredDocument | undefined {
    return existingAt(this.#collections.get(collectionOf(name))?.get(name), time);
  }

  *documentsAt(collection: CollectionName, time: Micros): Generator<StoredDocument> {
    for (const history of this.#collections.get(collection)?.values() ?? []) {
      const document = existingAt(history, time);
      if (document) yield document;
    }
  }

  /** The collections that have a document. */
  *collectionsAt(time: Micros): Generator<CollectionName> {
    for (const collection of this.#collections.keys()) {
      const { done } = this.documentsAt(collection, time).next();
      if (done !== true) yield collection;
    }
  }

  /** @throws INVALID_ARGUMENT or FAILED_PRECONDITION when nothing is known of that time */
  checkReadable(time: Micros): void {
    const now = this.#clock.tick();
    if (time > now) invalid("The requested 'read_time' cannot be in the future.");
    if (time < Math.max(now - HISTORY, this.#oldest)) {
      fail(
        status.FAILED_PRECONDITION,
        "The requested 'read_time' is too old: Derivery's local Firestore keeps old versions for 270 seconds, and none from before its start.",
      );
    }
  }

  /** Makes all versions the newest at once: on disk first, then for readers and listeners. */
  commit(versions: readonly Version[], time: Micros): void {
    if (versions.length === 0) return;
    this.#disk?.save(versions, time);
    for (const version of versions) this.#append(version);
    this.#forget(time - HISTORY);
    const written = new Set(versions.map(version => version.name));
    for (const listener of this.#listeners) listener(written, time);
  }

  /** Returns how to stop. */
  onCommit(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #append(version: Version): void {
    const collection = collectionOf(version.name);
    let histories = this.#collections.get(collection);
    if (!histories) this.#collections.set(collection, (histories = new Map()));
    const history = histories.get(version.name);
    if (!history) {
      histories.set(version.name, [version]);
      return;
    }
    history.push(version);
    this.#replacements.push(version);
  }

  /** Drops what was already replaced at `horizon`; deletions go with the last of what they deleted. */
  #forget(horizon: Micros): void {
    const kept = this.#replacements.findIndex(version => version.updateTime >= horizon);
    const old = this.#replacements.splice(0, kept === -1 ? this.#replacements.length : kept);
    for (const replacement of old) {
      const collection = collectionOf(replacement.name);
      const histories = this.#collections.get(collection);
      const history = histories?.get(replacement.name);
      history?.splice(0, history.indexOf(replacement));
      if (history?.length === 1 && replacement.fields === undefined) histories?.delete(replacement.name);
      if (histories?.size === 0) this.#collections.delete(collection);
    }
  }
}

function existingAt(history: History | undefined, time: Micros): StoredDocument | undefined {
  const version = history?.findLast(candidate => candidate.updateTime <= time);
  return version && isDocument(version) ? version : undefined;
}
