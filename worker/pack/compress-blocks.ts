// Compression on all cores: the input in blocks of one size, compressed side by side, in their order.
import { setImmediate } from 'node:timers/promises';
import { BLOCK_SIZE, type BlockPool } from './block-pool.ts';

/**
 * Begins the compression of the first `length` bytes of `memory`, a block of the pool, which is its own until the result has
 * gone on: so the result may lie there too. Called in the order of the blocks.
 */
export type CompressBlock = (memory: Buffer, length: number) => Promise<Buffer>;

interface BlockAtWork {
  readonly memory: Buffer;
  readonly compressed: Promise<Buffer>;
}

/**
 * What `compress` makes of each block of the input, in order. Every block is full but the last; none is empty. Blocks that
 * are done go on before another is waited for: so layers that share a pool never wait for each other in a circle. A result
 * is good until the next is asked for.
 */
export async function* compressBlocks(
  input: Iterable<Uint8Array>,
  pool: BlockPool,
  compress: CompressBlock,
): AsyncGenerator<Buffer> {
  const source = cut(input, pool);
  const atWork: BlockAtWork[] = [];
  let coming: Promise<IteratorResult<FilledBlock, void>> | undefined = source.next();
  try {
    while (coming !== undefined || atWork.length > 0) {
      const first = await whicheverIsFirst(coming, atWork[0]);
      if (first.kind === 'compressed') {
        yield first.bytes;
        const emitted = atWork.shift();
        if (emitted !== undefined) pool.give(emitted.memory);
      } else if (first.result.done === true) {
        coming = undefined;
      } else {
        const { memory, length } = first.result.value;
        const compressed = compress(memory, length);
        // It is awaited in its turn; until then, an error must not count as one that nobody handles.
        compressed.catch(() => {});
        atWork.push({ memory, compressed });
        coming = source.next();
      }
    }
  } finally {
    // Where the reader goes away, no work goes on behind it, and the pool gets everything back.
    await Promise.allSettled(atWork.map(({ compressed }) => compressed));
    for (const { memory } of atWork) pool.give(memory);
    void coming?.then(
      result => {
        if (result.done !== true) pool.give(result.value.memory);
      },
      () => {},
    );
    await source.return();
  }
}

type Progress =
  | { readonly kind: 'compressed'; readonly bytes: Buffer }
  | { readonly kind: 'read'; readonly result: IteratorResult<FilledBlock, void> };

/** The next block that was read, or the next that is compressed. */
function whicheverIsFirst(
  coming: Promise<IteratorResult<FilledBlock, void>> | undefined,
  head: BlockAtWork | undefined,
): Promise<Progress> {
  const read = coming?.then((result): Progress => ({ kind: 'read', result }));
  const compressed = head?.compressed.then((bytes): Progress => ({ kind: 'compressed', bytes }));
  return Promise.race([compressed, read].filter(promise => promise !== undefined));
}

interface FilledBlock {
  readonly memory: Buffer;
  readonly length: number;
}

/**
 * Copies the input into blocks of the pool; whoever gets one gives it back. The input is read synchronously: between two
 * blocks everything else gets its turn, the lease's renewal and the like.
 */
async function* cut(input: Iterable<Uint8Array>, pool: BlockPool): AsyncGenerator<FilledBlock, void, void> {
  let memory: Buffer | undefined;
  let length = 0;
  try {
    for (const bytes of input) {
      for (let at = 0; at < bytes.length;) {
        memory ??= await pool.take();
        const taken = bytes.subarray(at, at + BLOCK_SIZE - length);
        memory.set(taken, length);
        at += taken.length;
        length += taken.length;
        if (length < BLOCK_SIZE) continue;
        const full = { memory, length };
        memory = undefined;
        length = 0;
        yield full;
        await setImmediate();
      }
    }
    if (memory === undefined) return;
    const last = { memory, length };
    memory = undefined;
    yield last;
  } finally {
    if (memory !== undefined) pool.give(memory);
  }
}
