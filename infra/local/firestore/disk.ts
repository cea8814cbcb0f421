// The documents on disk: one SQLite file, one transaction per commit.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deserialize, serialize } from 'node:v8';
import type { Micros } from './clock.ts';
import type { DocumentName } from './names.ts';
import { isDocument, type StoredDocument, type Version } from './version.ts';
import type { Fields } from './wire.ts';

export interface Disk {
  load(): Iterable<StoredDocument>;
  /** The time of the newest commit; 0 when there was none. */
  lastCommit(): Micros;
  /** All or nothing; on disk when it returns. */
  save(versions: readonly Version[], time: Micros): void;
  close(): void;
}

// The log is written with every commit but not flushed (NORMAL): what was answered survives the death of the
// process at any moment, and the death of the machine leaves a state that once was. The lock keeps a second
// stand-in away from the same file; it ends with the process.
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS documents (
    name TEXT PRIMARY KEY, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL, fields BLOB NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS last_commit (only INTEGER PRIMARY KEY CHECK (only = 1), time INTEGER NOT NULL);
`;

/** @throws when the folder cannot be written, or another stand-in uses it */
export function openDisk(folder: string): Disk {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'firestore.sqlite');
  const database = openDatabase(file);
  const put = database.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM documents WHERE name = ?');
  const setLastCommit = database.prepare('INSERT OR REPLACE INTO last_commit VALUES (1, ?)');
  const write = (version: Version): void => {
    if (isDocument(version)) {
      put.run(version.name, version.createTime, version.updateTime, serialize(version.fields));
    } else {
      remove.run(version.name);
    }
  };
  return {
    load: () => database.prepare('SELECT * FROM documents').all().map(toDocument),
    lastCommit: () => Number(database.prepare('SELECT time FROM last_commit').get()?.['time'] ?? 0),
    save: (versions, time) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const version of versions) write(version);
        setLastCommit.run(time);
        database.exec('COMMIT');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw new Error(`Cannot write to ${file}: ${String(error)}`, { cause: error });
      }
    },
    close: () => database.close(),
  };
}

function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database?.close();
    const locked = error instanceof Error && error.message.includes('locked');
    const reason = locked ? 'another process uses it' : String(error);
    throw new Error(`Cannot open ${file}: ${reason}`, { cause: error });
  }
}

function toDocument(row: Record<string, unknown>): StoredDocument {
  return {
    name: row['name'] as DocumentName,
    createTime: Number(row['create_time']),
    updateTime: Number(row['update_time']),
    fields: deserialize(row['fields'] as Uint8Array) as Fields,
  };
}
