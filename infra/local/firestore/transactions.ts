/**
 * Transactions, with optimistic concurrency control (one of the two modes that Google offers): a transaction
 * takes no locks. All its reads are of one state, the one at its beginning; when anything that it read has changed
 * by the time it commits, it is ABORTED, and the client library tries again. So transactions are serialisable.
 */
import { randomBytes } from 'node:crypto';
import { fail, status } from '#local/grpc-server.ts';
import { fromTimestamp, type Clock, type Micros } from './clock.ts';
import { invalid } from './errors.ts';
import type { DocumentName } from './names.ts';
import type { Query } from './query.ts';
import type { DocumentStore } from './store.ts';
import type { StoredDocument } from './version.ts';
import type * as wire from './wire.ts';

/** Documents as they all were at one time. */
export interface Reader {
  readonly time: Micros;
  document(name: DocumentName): StoredDocument | undefined;
  run(query: Query): readonly StoredDocument[];
}

/** What a request reads with, and the id of the transaction that it has begun. */
export interface OpenReader {
  readonly reader: Reader;
  readonly begun?: { readonly transaction: Uint8Array };
}

interface Transaction {
  readonly mode: 'read-only' | 'read-write';
  /** Every read is of this time. */
  readonly snapshot: Micros;
  readonly documents: Set<DocumentName>;
  readonly queries: { readonly query: Query; readonly seen: string }[];
  readonly begun: Micros;
  used: Micros;
}

/** https://firebase.google.com/docs/firestore/quotas#writes_and_transactions */
const [MAX_AGE, MAX_IDLE]: readonly [Micros, Micros] = [270_000_000, 60_000_000];

export class Transactions {
  readonly #store: DocumentStore;
  readonly #clock: Clock;
  readonly #open = new Map<string, Transaction>();

  constructor(store: DocumentStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The id is random: one of an earlier process must not name a transaction of this one. */
  begin(options: wire.TransactionOptions | undefined): Uint8Array {
    const now = this.#clock.tick();
    this.#dropExpired(now);
    const readTime = options?.readOnly?.readTime;
    const id = randomBytes(16);
    this.#open.set(keyOf(id), {
      mode: options?.readOnly ? 'read-only' : 'read-write',
      snapshot: readTime ? this.#checked(fromTimestamp(readTime)) : now,
      documents: new Set(),
      queries: [],
      begun: now,
      used: now,
    });
    return id;
  }

  /**
   * Opens a reader for a request, and a transaction when it asks for one.
   *
   * @throws INVALID_ARGUMENT for an unknown transaction
   */
  reader({ transaction, newTransaction, readTime }: wire.ConsistencySelector): OpenReader {
    if (readTime) return { reader: this.#snapshotReader(this.#checked(fromTimestamp(readTime))) };
    if (newTransaction) {
      const id = this.begin(newTransaction);
      return { reader: this.#readerOf(id), begun: { transaction: id } };
    }
    return {
      reader: transaction?.length ? this.#readerOf(transaction) : this.#snapshotReader(this.#clock.tick()),
    };
  }

  /**
   * Ends a transaction that is about to write.
   *
   * @throws ABORTED when something that it read has changed
   */
  finish(id: Uint8Array, writes: number): void {
    const transaction = this.#get(id);
    this.rollback(id);
    if (transaction.mode === 'read-write') this.#checkReads(transaction);
    else if (writes > 0) invalid('Cannot modify entities in a read-only transaction.');
  }

  rollback(id: Uint8Array): void {
    this.#get(id);
    this.#open.delete(keyOf(id));
  }

  #readerOf(id: Uint8Array): Reader {
    const transaction = this.#get(id);
    const reader = this.#snapshotReader(transaction.snapshot);
    if (transaction.mode === 'read-only') return reader;
    return {
      time: reader.time,
      document: name => {
        transaction.documents.add(name);
        return reader.document(name);
      },
      run: query => {
        const results = reader.run(query);
        transaction.queries.push({ query, seen: fingerprint(results) });
        return results;
      },
    };
  }

  #snapshotReader(time: Micros): Reader {
    return {
      time,
      document: name => this.#store.documentAt(name, time),
      run: query => query.run(this.#store.documentsAt(query.collection, time)),
    };
  }

  #checkReads({ snapshot, documents, queries }: Transaction): void {
    for (const name of documents) {
      if ((this.#store.latest(name)?.updateTime ?? 0) > snapshot) {
        fail(status.ABORTED, `The transaction was aborted: ${name}, which it read, has changed.`);
      }
    }
    const now = this.#snapshotReader(this.#clock.tick());
    for (const { query, seen } of queries) {
      if (fingerprint(now.run(query)) !== seen) {
        fail(
          status.ABORTED,
          `The transaction was aborted: a query's results in ${query.collection} have changed.`,
        );
      }
    }
  }

  #get(id: Uint8Array): Transaction {
    const transaction = this.#open.get(keyOf(id));
    const now = this.#clock.tick();
    if (!transaction || hasExpired(transaction, now)) {
      // The client library tries again when it finds these words.
      return invalid('The referenced transaction has expired or is no longer valid.');
    }
    transaction.used = now;
    return transaction;
  }

  #checked(time: Micros): Micros {
    this.#store.checkReadable(time);
    return time;
  }

  /** Read-only transactions are never ended by the client library. */
  #dropExpired(now: Micros): void {
    for (const [key, transaction] of this.#open) {
      if (hasExpired(transaction, now)) this.#open.delete(key);
    }
  }
}

function hasExpired({ begun, used }: Transaction, now: Micros): boolean {
  return now - begun > MAX_AGE || now - used > MAX_IDLE;
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}

function fingerprint(results: readonly StoredDocument[]): string {
  return results.map(({ name, updateTime }) => `${name}@${updateTime}`).join('\n');
}
