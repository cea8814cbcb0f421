// Buckets and objects on disk: who may be written, what is visible, what is left over.
import { randomUUID } from 'node:crypto';
import { mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Attributes } from './attributes.ts';
import { checkDeclared, type DeclaredChecksums } from './checksums.ts';
import { type Database, openDatabase, type BucketRecord, type ObjectRecord } from './database.ts';
import { conflict, noSuchBucket, noSuchObject } from './errors.ts';
import { checkBucketName } from './names.ts';
import { checkPreconditions, type Preconditions } from './preconditions.ts';
import { Spool } from './spool.ts';

/** Google forgets an unfinished resumable upload after a week. */
const UPLOAD_LIFETIME = 7 * 24 * 60 * 60 * 1000;

/** An object to be: everything but its bytes. */
export interface NewObject {
  readonly bucket: string;
  readonly name: string;
  readonly attributes: Attributes;
  readonly declared: DeclaredChecksums;
  readonly preconditions: Preconditions;
}

/** An object opened for reading: it stays readable when it is replaced or deleted. The reader closes `descriptor`. */
export interface OpenObject {
  readonly object: ObjectRecord;
  readonly descriptor: number;
}

/**
 * Opens the data folder. One process may have it at a time; a second one fails. Removes what an earlier process left
 * behind: files that no object and no unfinished upload owns, and uploads that were begun over a week ago.
 */
export function openStore(dataFolder: string, now: () => number): Store {
  const files = join(dataFolder, 'files');
  mkdirSync(files, { recursive: true });
  const database = openDatabase(join(dataFolder, 'metadata.sqlite'));
  const store = new Store(database, files, now);
  for (const { id, created } of database.uploads()) {
    if (Date.parse(created) + UPLOAD_LIFETIME < now()) database.deleteUpload(id);
  }
  const unfinished = database.uploads().filter(upload => upload.finished === undefined);
  const owned = new Set([...database.objectFiles(), ...unfinished.map(upload => upload.file)]);
  for (const file of readdirSync(files)) if (!owned.has(file)) store.deleteFile(file);
  return store;
}

/**
 * An object's bytes are written to a file of their own, whose name nothing knows until one transaction makes the object
 * point at it: at any moment an object is there whole, or not at all.
 */
export class Store {
  readonly database: Database;
  readonly #files: string;
  readonly #now: () => number;

  constructor(database: Database, files: string, now: () => number) {
    this.database = database;
    this.#files = files;
    this.#now = now;
  }

  close(): void {
    this.database.close();
  }

  /** The present time in milliseconds, as the store sees it. */
  now(): number {
    return this.#now();
  }

  timestamp(): string {
    return new Date(this.now()).toISOString();
  }

  bucket(name: string): BucketRecord {
    const bucket = this.database.bucket(name);
    if (bucket === undefined) throw noSuchBucket();
    return bucket;
  }

  createBucket(name: string, settings: BucketRecord['settings']): BucketRecord {
    checkBucketName(name);
    if (this.database.bucket(name) !== undefined) {
      throw conflict('Your previous request to create the named bucket succeeded and you already own it.');
    }
    const bucket = { name, settings, created: this.timestamp() };
    this.database.putBucket(bucket);
    return bucket;
  }

  /** Deletes a bucket that has no objects. */
  deleteBucket(name: string): void {
    this.bucket(name);
    if (this.database.objects(name, '', 1).length > 0) {
      throw conflict('The bucket you tried to delete is not empty.');
    }
    this.database.deleteBucket(name);
  }

  /** The live object; 404 where it is not there, or is not of the given generation. */
  object(bucket: string, name: string, generation: string | null = null): ObjectRecord {
    this.bucket(bucket);
    const object = this.database.object(bucket, name);
    if (object === undefined || (generation !== null && generation !== object.generation)) {
      throw noSuchObject(bucket, name);
    }
    return object;
  }

  /** Opens the bytes of the object that is live now; in one go, so that no deletion comes in between. */
  open(object: ObjectRecord): OpenObject {
    return { object, descriptor: openSync(join(this.#files, object.file), 'r') };
  }

  /** Throws where an upload could not be committed if it were complete now: there is no need to receive its bytes. */
  checkWritable(target: NewObject): void {
    this.bucket(target.bucket);
    checkPreconditions(target.preconditions, this.database.object(target.bucket, target.name), 'write');
  }

  /** A file for bytes to come, and its name. It is nobody's until it is committed. */
  newFile(): string {
    return randomUUID();
  }
  createSpool(file: string): Promise<Spool> {
    return Spool.create(join(this.#files, file));
  }
  reopenSpool(file: string): Promise<Spool> {
    return Spool.reopen(join(this.#files, file));
  }
  deleteFile(file: string): void {
    rmSync(join(this.#files, file), { force: true });
  }

  /**
   * Makes `file`, received through `spool`, the live object, in one step; `alongside` is written in the same one.
   * Throws, and changes nothing, where the bytes are not the declared ones (400) or a precondition does not hold (412).
   */
  commit(
    target: NewObject,
    file: string,
    spool: Spool,
    alongside: (object: ObjectRecord) => void = () => undefined,
  ): ObjectRecord {
    const { checksums, size } = spool;
    checkDeclared(target.declared, checksums);
    const { bucket, name, attributes } = target;
    const { committed, replaced } = this.database.transaction(() => {
      this.bucket(bucket);
      const present = this.database.object(bucket, name);
      checkPreconditions(target.preconditions, present, 'write');
      const now = this.timestamp();
      const generation = this.database.nextGeneration(this.now());
      const times = { created: now, updated: now };
      const object = {
        bucket,
        name,
        generation,
        metageneration: 1,
        file,
        size,
        ...checksums,
        attributes,
        ...times,
      };
      this.database.putObject(object);
      alongside(object);
      return { committed: object, replaced: present };
    });
    if (replaced !== undefined) this.deleteFile(replaced.file);
    return committed;
  }

  /** Replaces the attributes of the live object by what `change` makes of them. */
  update(object: ObjectRecord, attributes: Attributes): ObjectRecord {
    const updated = {
      ...object,
      attributes,
      metageneration: object.metageneration + 1,
      updated: this.timestamp(),
    };
    this.database.putObject(updated);
    return updated;
  }

  delete(object: ObjectRecord): void {
    this.database.deleteObject(object);
    this.deleteFile(object.file);
  }
}
