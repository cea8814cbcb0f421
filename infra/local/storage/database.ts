// The metadata of a stand-in's data folder: one SQLite file. Everything here is synchronous, so what is read and
// written in one function call cannot be interleaved with another request.
import { DatabaseSync } from 'node:sqlite';
import type { Attributes } from './attributes.ts';
import type { Checksums, DeclaredChecksums } from './checksums.ts';
import type { Preconditions } from './preconditions.ts';

export interface BucketRecord {
  readonly name: string;
  /** RFC 3339, like all times here. */
  readonly created: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** One generation of an object: the live one, there are no others. */
export interface ObjectRecord extends Checksums {
  readonly bucket: string;
  readonly name: string;
  readonly generation: string;
  readonly metageneration: number;
  /** The name of the file that has its bytes, and nothing but them. */
  readonly file: string;
  readonly size: number;
  readonly attributes: Attributes;
  readonly created: string;
  readonly updated: string;
}

/** A resumable upload: what was said when it began, and the object that came of it. */
export interface UploadRecord {
  readonly id: string;
  readonly bucket: string;
  readonly name: string;
  readonly attributes: Attributes;
  readonly declared: DeclaredChecksums;
  readonly preconditions: Preconditions;
  readonly file: string;
  readonly created: string;
  readonly finished?: ObjectRecord;
}

/** Opens the metadata in `path`, for this process alone. */
export function openDatabase(path: string): Database {
  return new Database(path);
}

export class Database {
  readonly #sqlite: DatabaseSync;
  readonly #statements;

  constructor(path: string) {
    this.#sqlite = new DatabaseSync(path);
    try {
      // A commit is in the file when it returns (write(2)), so it outlives this process; not a power cut.
      this.#sqlite.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS objects (
          bucket TEXT, name TEXT, record TEXT NOT NULL, PRIMARY KEY (bucket, name)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS last_generation (microseconds INTEGER NOT NULL);
        INSERT INTO last_generation SELECT 0 WHERE NOT EXISTS (SELECT * FROM last_generation);
      `);
    } catch (error) {
      this.#sqlite.close();
      if (error instanceof Error && /locked|busy/.test(error.message)) {
        throw new Error(`${path} is in use by another process`, { cause: error });
      }
      throw error;
    }
    const prepare = (sql: string) => this.#sqlite.prepare(sql);
    this.#statements = {
      bucket: prepare('SELECT record FROM buckets WHERE name = ?'),
      buckets: prepare('SELECT record FROM buckets ORDER BY name'),
      putBucket: prepare('INSERT INTO buckets VALUES (?, ?)'),
      deleteBucket: prepare('DELETE FROM buckets WHERE name = ?'),
      object: prepare('SELECT record FROM objects WHERE bucket = ? AND name = ?'),
      objects: prepare('SELECT record FROM objects WHERE bucket = ? AND name >= ? ORDER BY name LIMIT ?'),
      putObject: prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?)'),
      deleteObject: prepare('DELETE FROM objects WHERE bucket = ? AND name = ?'),
      upload: prepare('SELECT record FROM uploads WHERE id = ?'),
      uploads: prepare('SELECT record FROM uploads'),
      putUpload: prepare('INSERT OR REPLACE INTO uploads VALUES (?, ?)'),
      deleteUpload: prepare('DELETE FROM uploads WHERE id = ?'),
      objectFiles: prepare("SELECT record ->> 'file' AS file FROM objects"),
      nextGeneration: prepare(
        'UPDATE last_generation SET microseconds = max(microseconds + 1, ?) RETURNING microseconds AS generation',
      ),
    };
  }

  close(): void {
    this.#sqlite.close();
  }

  /** Runs `work`; all that it writes happens, or nothing where it throws. */
  transaction<T>(work: () => T): T {
    this.#sqlite.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#sqlite.exec('COMMIT');
      return result;
    } catch (error) {
      this.#sqlite.exec('ROLLBACK');
      throw error;
    }
  }

  bucket(name: string): BucketRecord | undefined {
    return records<BucketRecord>(this.#statements.bucket.all(name))[0];
  }
  buckets(): BucketRecord[] {
    return records<BucketRecord>(this.#statements.buckets.all());
  }
  putBucket(bucket: BucketRecord): void {
    this.#statements.putBucket.run(bucket.name, JSON.stringify(bucket));
  }
  deleteBucket(name: string): void {
    this.#statements.deleteBucket.run(name);
  }

  object(bucket: string, name: string): ObjectRecord | undefined {
    return records<ObjectRecord>(this.#statements.object.all(bucket, name))[0];
  }
  /** The objects from the name `from` on, ordered by the bytes of their names in UTF-8, as Google orders them. */
  objects(bucket: string, from: string, limit: number): ObjectRecord[] {
    return records<ObjectRecord>(this.#statements.objects.all(bucket, from, limit));
  }
  putObject(object: ObjectRecord): void {
    this.#statements.putObject.run(object.bucket, object.name, JSON.stringify(object));
  }
  deleteObject(object: ObjectRecord): void {
    this.#statements.deleteObject.run(object.bucket, object.name);
  }

  upload(id: string): UploadRecord | undefined {
    return records<UploadRecord>(this.#statements.upload.all(id))[0];
  }
  uploads(): UploadRecord[] {
    return records<UploadRecord>(this.#statements.uploads.all());
  }
  putUpload(upload: UploadRecord): void {
    this.#statements.putUpload.run(upload.id, JSON.stringify(upload));
  }
  deleteUpload(id: string): void {
    this.#statements.deleteUpload.run(id);
  }

  /** The files that have the bytes of objects. */
  objectFiles(): string[] {
    return this.#statements.objectFiles.all().map(row => String(row['file']));
  }

  /** A generation above all before, also where the clock went back: microseconds since 1970, as Google's look. */
  nextGeneration(now: number): string {
    return String(this.#statements.nextGeneration.get(now * 1000)?.['generation']);
  }
}

function records<T>(rows: readonly Record<string, unknown>[]): T[] {
  return rows.map(row => JSON.parse(String(row['record'])) as T);
}
