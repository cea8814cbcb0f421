// Cutting a stream into blocks of one size, whatever sizes it comes in.

/** Collects bytes and gives them back in blocks of exactly `size` bytes; the last may be shorter. */
export class BlockCutter {
  readonly #size: number;
  #block: Buffer;
  #filled = 0;

  constructor(size: number) {
    this.#size = size;
    this.#block = Buffer.allocUnsafe(size);
  }

  /** Takes `bytes` (which may be reused afterwards) and gives the blocks that became full. */
  *push(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      const taken = bytes.subarray(at, at + this.#size - this.#filled);
      this.#block.set(taken, this.#filled);
      at += taken.length;
      this.#filled += taken.length;
      if (this.#filled === this.#size) {
        yield this.#block;
        this.#block = Buffer.allocUnsafe(this.#size);
        this.#filled = 0;
      }
    }
  }

  /** What is left at the end: no block, or one. */
  *rest(): Generator<Buffer> {
    if (this.#filled > 0) yield this.#block.subarray(0, this.#filled);
  }
}
