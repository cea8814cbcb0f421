// What makes a layer's blob of its tar.
import type { BlockPool } from './block-pool.ts';

export interface CompressOptions {
  /** Where blocks come from: bounds the memory, and how many are compressed at once; never changes the output. */
  readonly pool: BlockPool;
  /** Shown all bytes of the input, in order and in large portions. */
  readonly look?: (bytes: Uint8Array) => void;
}

export interface Compressor {
  /** Names the bytes that it makes: part of a layer's key. */
  readonly id: string;
  /** Of the layers that it makes. */
  readonly mediaType: string;
  /** Does beforehand what the first layer would wait for. Rejects where no layer could be compressed. */
  readonly prepare?: () => Promise<void>;
  /**
   * Compresses `input`, whose chunks may be reused once the next is asked for; so may those of the output be. The output
   * depends on the input's bytes alone, not on how they are cut into chunks nor on the number of cores. The work is done
   * in other threads.
   */
  readonly compress: (input: Iterable<Uint8Array>, options: CompressOptions) => AsyncGenerator<Buffer>;
}
