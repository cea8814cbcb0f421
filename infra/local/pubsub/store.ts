// What Pub/Sub may not forget, in SQLite: topics, subscriptions, and every message that a subscription has not acknowledged.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { Attributes, Message } from './message.ts';
import type { SubscriptionSettings } from './subscription-settings.ts';
import type { TopicSettings } from './topic-settings.ts';

/** A message that a subscription has not acknowledged, and how often it was handed out. */
export interface Pending {
  readonly subscription: string;
  readonly message: Message;
  readonly attempts: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, settings TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS subscriptions (name TEXT PRIMARY KEY, settings TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS pending (
    subscription TEXT NOT NULL,
    id TEXT NOT NULL,
    data BLOB NOT NULL,
    attributes TEXT NOT NULL,
    publish_time REAL NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (subscription, id)
  ) WITHOUT ROWID;
`;

/**
 * Opens the store in a folder, which is made if need be, or in memory. A commit survives the end of the process at
 * any moment: it is in the write-ahead log before the call returns (not a loss of power, which would need an fsync each).
 * @throws Error when another process has the folder open, or it cannot be written
 */
export function openStore(folder: string | undefined): Store {
  if (folder === undefined) return new Store(new DatabaseSync(':memory:'));
  const file = join(folder, 'pubsub.sqlite');
  try {
    mkdirSync(folder, { recursive: true });
    const database = new DatabaseSync(file);
    // Exclusive: a second server on the same data would hand out the same messages.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN EXCLUSIVE; COMMIT;',
    );
    return new Store(database);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const why = reason.includes('locked') ? 'another process has it open' : reason;
    throw new Error(`Pub/Sub cannot open its data ${file}: ${why}`, { cause });
  }
}

export class Store {
  readonly #database: DatabaseSync;
  readonly #addPending: StatementSync;
  readonly #recordAttempt: StatementSync;
  readonly #removePending: StatementSync;
  #inTransaction = false;

  constructor(database: DatabaseSync) {
    database.exec(schema);
    this.#database = database;
    this.#addPending = database.prepare('INSERT INTO pending VALUES (?, ?, ?, ?, ?, 0)');
    this.#recordAttempt = database.prepare(
      'UPDATE pending SET attempts = ? WHERE subscription = ? AND id = ?',
    );
    this.#removePending = database.prepare('DELETE FROM pending WHERE subscription = ? AND id = ?');
  }

  /** All of it or nothing is kept; inside another transaction it is part of that one. */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work();
    this.#database.exec('BEGIN');
    this.#inTransaction = true;
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  topics(): TopicSettings[] {
    return this.#settings('topics') as TopicSettings[];
  }

  saveTopic(topic: TopicSettings): void {
    this.#database.prepare('INSERT INTO topics VALUES (?, ?)').run(topic.name, JSON.stringify(topic));
  }

  deleteTopic(name: string): void {
    this.#database.prepare('DELETE FROM topics WHERE name = ?').run(name);
  }

  subscriptions(): SubscriptionSettings[] {
    return this.#settings('subscriptions') as SubscriptionSettings[];
  }

  saveSubscription(subscription: SubscriptionSettings): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO subscriptions VALUES (?, ?)')
      .run(subscription.name, JSON.stringify(subscription));
  }

  /** Its messages go with it. */
  deleteSubscription(name: string): void {
    this.transaction(() => {
      this.#database.prepare('DELETE FROM subscriptions WHERE name = ?').run(name);
      this.#database.prepare('DELETE FROM pending WHERE subscription = ?').run(name);
    });
  }

  /** Oldest first. */
  pending(): Pending[] {
    return this.#database.prepare('SELECT * FROM pending ORDER BY length(id), id').all().map(toPending);
  }

  addPending(subscription: string, { id, data, attributes, publishTime }: Message): void {
    this.#addPending.run(subscription, id, data, JSON.stringify(attributes), publishTime);
  }

  recordAttempt(subscription: string, id: string, attempts: number): void {
    this.#recordAttempt.run(attempts, subscription, id);
  }

  removePending(subscription: string, id: string): void {
    this.#removePending.run(subscription, id);
  }

  close(): void {
    this.#database.close();
  }

  #settings(table: 'topics' | 'subscriptions'): unknown[] {
    const rows = this.#database.prepare(`SELECT settings FROM ${table} ORDER BY name`).all();
    return rows.map(({ settings }) => JSON.parse(String(settings)) as unknown);
  }
}

function toPending(row: Record<string, SQLOutputValue>): Pending {
  return {
    subscription: String(row['subscription']),
    message: {
      id: String(row['id']),
      data: Buffer.from(row['data'] as Uint8Array),
      attributes: JSON.parse(String(row['attributes'])) as Attributes,
      publishTime: Number(row['publish_time']),
    },
    attempts: Number(row['attempts']),
  };
}
