// Documents of one kind as typed values: read with the server's time, changed by pure functions in transactions.
import {
  FieldValue,
  type CollectionReference,
  type DocumentReference,
  type DocumentSnapshot,
  type Timestamp,
  type Transaction,
} from '@google-cloud/firestore';
import type { z } from 'zod';
import { isLostRace, toPlain, toStored } from './firestore.ts';

/** A document as it was at one moment of the server's clock. */
export interface Seen<T> {
  /** Undefined where there is none yet. */
  readonly document: T | undefined;
  /** The server's time of this state, in milliseconds since the epoch. */
  readonly readTime: number;
  readonly version: Timestamp | undefined;
}

/** A write as a part of a transaction that changes another document too. */
export type Write = (transaction: Transaction) => void;

/** What a change comes to: the next document, if it may be, and what the caller wants to know. */
export interface Change<T, R> {
  readonly next: T | undefined;
  readonly result: R;
  /** Writes into other documents in the same step. */
  readonly alongside?: Write;
}

export interface Documents<K extends string, T> {
  readonly read: (key: K) => Promise<Seen<T>>;
  /** In the order of the keys, in one round trip. */
  readonly readAll: (keys: readonly K[]) => Promise<Seen<T>[]>;
  /** What a snapshot of this kind holds, for reads of several documents in one round trip. */
  readonly parse: (snapshot: DocumentSnapshot) => Seen<T>;
  /** Writes `next` if the document is still as it was seen. Answers whether it was. One write, no transaction. */
  readonly writeIfUnchanged: (key: K, seen: Seen<T>, next: T) => Promise<boolean>;
  /** Reads, decides and writes as one step. `decide` may run more than once: it only looks and answers. */
  readonly change: <R>(key: K, decide: (document: T | undefined, now: number) => Change<T, R>) => Promise<R>;
  /** As `change`, by documents of `others` too: none of them changes before the write. */
  readonly changeBeside: <R>(
    key: K,
    others: readonly K[],
    decide: (document: T | undefined, others: readonly (T | undefined)[], now: number) => Change<T, R>,
  ) => Promise<R>;
  /** As `change`, by documents of other kinds too, which may be written `alongside`. */
  readonly changeAmid: <R>(
    key: K,
    others: readonly DocumentReference[],
    decide: (document: T | undefined, others: readonly DocumentSnapshot[], now: number) => Change<T, R>,
  ) => Promise<R>;
  /** Deletes the document if it is still as it was seen. Answers whether it was. */
  readonly deleteIfUnchanged: (key: K, seen: Seen<T>) => Promise<boolean>;
  /**
   * Calls `onChange` with the present state and every later one until the returned function is called, or `onError` once
   * where that cannot go on: the connection broke for good, or the document is not one that this code knows.
   */
  readonly watch: (key: K, onChange: (seen: Seen<T>) => void, onError: (error: Error) => void) => () => void;
}

export function openDocuments<K extends string, T extends object>(
  collection: CollectionReference,
  schema: z.ZodType<T>,
): Documents<K, T> {
  function parse(snapshot: DocumentSnapshot): Seen<T> {
    const data = snapshot.data();
    return {
      document: data === undefined ? undefined : schema.parse(toPlain(data)),
      readTime: snapshot.readTime.toMillis(),
      version: snapshot.updateTime,
    };
  }

  const changeAmid: Documents<K, T>['changeAmid'] = (key, others, decide) =>
    collection.firestore.runTransaction(async transaction => {
      const reference = collection.doc(key);
      const [first, ...rest] = await transaction.getAll(reference, ...others);
      if (first === undefined) throw new Error('Firestore answered fewer documents than asked');
      const { document, readTime } = parse(first);
      const { next, result, alongside } = decide(document, rest, readTime);
      if (next !== undefined) {
        transaction.set(reference, toStored(next));
        alongside?.(transaction);
      }
      return result;
    });

  const changeBeside: Documents<K, T>['changeBeside'] = (key, others, decide) => {
    const references = others.map(other => collection.doc(other));
    return changeAmid(key, references, (document, snapshots, now) =>
      decide(
        document,
        snapshots.map(snapshot => parse(snapshot).document),
        now,
      ),
    );
  };

  return {
    parse,

    async read(key) {
      return parse(await collection.doc(key).get());
    },

    async readAll(keys) {
      if (keys.length === 0) return [];
      const references = keys.map(key => collection.doc(key));
      return (await collection.firestore.getAll(...references)).map(parse);
    },

    async writeIfUnchanged(key, seen, next) {
      const reference = collection.doc(key);
      const fields = fieldsOver(seen, next);
      try {
        if (seen.version === undefined) await reference.create(fields);
        else await reference.update(fields, { lastUpdateTime: seen.version });
        return true;
      } catch (error) {
        if (isLostRace(error)) return false;
        throw error;
      }
    },

    async deleteIfUnchanged(key, { version }) {
      if (version === undefined) return false;
      try {
        await collection.doc(key).delete({ lastUpdateTime: version });
        return true;
      } catch (error) {
        if (isLostRace(error)) return false;
        throw error;
      }
    },

    change: (key, decide) => changeAmid(key, [], (document, _others, now) => decide(document, now)),
    changeBeside,
    changeAmid,

    watch(key, onChange, onError) {
      const stop = collection.doc(key).onSnapshot(snapshot => {
        let seen: Seen<T>;
        try {
          seen = parse(snapshot);
        } catch (error) {
          // Firestore's client would keep what its listener throws to itself, and the caller would wait for nothing.
          stop();
          onError(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        onChange(seen);
      }, onError);
      return stop;
    },
  };
}

/** `writeIfUnchanged` as a part of a transaction, whose commit then fails as a whole where the document was changed. */
export function writingIfUnchanged<T extends object>(
  reference: DocumentReference,
  seen: Seen<T>,
  next: T,
): Write {
  const fields = fieldsOver(seen, next);
  const { version } = seen;
  return transaction => {
    if (version === undefined) transaction.create(reference, fields);
    else transaction.update(reference, fields, { lastUpdateTime: version });
  };
}

/** What makes the document that was seen the next one: its fields, and the end of those that it has no more. */
function fieldsOver<T extends object>({ document }: Seen<T>, next: T): Record<string, unknown> {
  const gone = Object.keys(document ?? {}).filter(field => !(field in next));
  return {
    ...toStored(next),
    ...Object.fromEntries(gone.map(field => [field, FieldValue.delete()])),
  };
}
