// The memory that packing may take, for all layers that are packed at once.
import { availableParallelism } from 'node:os';

/** Bytes in a block. Compressed bytes depend on it: it is part of a compressor's name. */
export const BLOCK_SIZE = 1 << 20;

/** Room behind a block, so that what it is compressed to has its place even where that is larger. */
const MARGIN = BLOCK_SIZE >> 8;

/**
 * A number of blocks that go from hand to hand: a block is taken before bytes are read into it, and given back when what
 * it was compressed to has gone on. So all layers together take this much memory, and at most as much again for results
 * that do not take the place of their block, however many and however large they are. Other threads can share it.
 *
 * By default two for each core: one is compressed while the next is read or waits to be written.
 */
export class BlockPool {
  #left: number;
  readonly #free: Buffer[] = [];
  readonly #waiting: ((block: Buffer) => void)[] = [];

  constructor(count = 2 * availableParallelism()) {
    this.#left = count;
  }

  /** A block, with anything in it and a little room behind it, as soon as there is one. First come, first served. */
  take(): Promise<Buffer> {
    const block = this.#free.pop() ?? this.#allocate();
    if (block !== undefined) return Promise.resolve(block);
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    this.#waiting.push(resolve);
    return promise;
  }

  /** Takes back a block that nobody reads any more. */
  give(block: Buffer): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(block);
    else next(block);
  }

  #allocate(): Buffer | undefined {
    if (this.#left === 0) return undefined;
    this.#left -= 1;
    return Buffer.from(new SharedArrayBuffer(BLOCK_SIZE + MARGIN));
  }
}
