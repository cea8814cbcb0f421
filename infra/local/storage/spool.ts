// A file that grows while its bytes arrive; it becomes an object's once it is whole.
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { RunningChecksums, type Checksums } from './checksums.ts';

/**
 * The bytes received so far. What `size` counts has been handed to the system (write(2)), so it outlives this
 * process. Nothing of it is kept in memory.
 */
export class Spool {
  readonly path: string;
  #size = 0;
  readonly #checksums = new RunningChecksums();

  private constructor(path: string) {
    this.path = path;
  }

  /** A new, empty file at `path`. */
  static async create(path: string): Promise<Spool> {
    await (await open(path, 'wx')).close();
    return new Spool(path);
  }

  /** A file that an earlier process wrote: its bytes are read again for their checksums. */
  static async reopen(path: string): Promise<Spool> {
    const spool = new Spool(path);
    for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      spool.#count(bytes);
    }
    return spool;
  }

  get size(): number {
    return this.#size;
  }

  get checksums(): Checksums {
    return this.#checksums.value;
  }

  /**
   * Writes what arrives. Where `body` or the disk fails, what was written so far stays and counts; the error is
   * thrown on.
   *
   * Synchronous on purpose: the system takes a chunk in less time than it takes to hand it to another thread.
   */
  async append(body: AsyncIterable<Buffer>): Promise<void> {
    const file = openSync(this.path, 'r+');
    try {
      for await (const bytes of body) {
        for (let written = 0; written < bytes.length;) {
          const count = writeSync(file, bytes, written, bytes.length - written, this.#size);
          this.#count(bytes.subarray(written, written + count));
          written += count;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  #count(bytes: Uint8Array): void {
    this.#size += bytes.length;
    this.#checksums.update(bytes);
  }
}
