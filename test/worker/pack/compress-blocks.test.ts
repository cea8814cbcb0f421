import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { BLOCK_SIZE, BlockPool } from '#worker/pack/block-pool.ts';
import { compressBlocks, type CompressBlock } from '#worker/pack/compress-blocks.ts';

const block = Buffer.alloc(BLOCK_SIZE, 'block');

/** Blocks without end, counted. */
class Endless implements Iterable<Buffer> {
  read = 0;
  isClosed = false;

  *[Symbol.iterator](): Generator<Buffer> {
    try {
      for (;;) {
        this.read += 1;
        yield block;
      }
    } finally {
      this.isClosed = true;
    }
  }
}

const asItIs: CompressBlock = (memory, length) => Promise.resolve(memory.subarray(0, length));

/** Everything that waits gets its turn. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

async function all(output: AsyncGenerator<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of output) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** All the blocks of a pool, which are there only if everybody has given back what he took. */
async function takeAll(pool: BlockPool, count: number): Promise<void> {
  for (let taken = 0; taken < count; taken++) await pool.take();
}

test('no more is read than the pool has room for, however many layers there are', async () => {
  const pool = new BlockPool(3);
  const inputs = [new Endless(), new Endless(), new Endless()];
  let begun = 0;
  const never: CompressBlock = () => {
    begun += 1;
    return new Promise(() => {});
  };
  for (const input of inputs) void compressBlocks(input, pool, never).next();
  await quiet();
  assert.equal(begun, 3);
  // What a layer holds of its input while it waits for a block is a chunk.
  assert.ok(inputs.reduce((sum, { read }) => sum + read, 0) <= 3 + inputs.length);
});

test('layers that share one block all come to their end', async () => {
  const pool = new BlockPool(1);
  const inputs = ['a', 'b', 'c'].map(letter => Buffer.alloc(3 * BLOCK_SIZE + 7, letter));
  const outputs = await Promise.all(inputs.map(input => all(compressBlocks([input], pool, asItIs))));
  outputs.forEach((output, index) => assert.ok(inputs[index]?.equals(output)));
  await takeAll(pool, 1);
});

test('blocks go out in their order, whichever is compressed first', async () => {
  const done: ((bytes: Buffer) => void)[] = [];
  const byHand: CompressBlock = bytes =>
    new Promise(resolve => done.push(() => resolve(Buffer.from([bytes[0] ?? 0]))));
  const input = ['a', 'b', 'c'].map(letter => Buffer.alloc(BLOCK_SIZE, letter));
  const output = all(compressBlocks(input, new BlockPool(3), byHand));
  await quiet();
  for (const finish of done.toReversed()) finish(block);
  assert.equal((await output).toString(), 'abc');
});

test('a reader that goes away ends the reading, and the pool has everything back', async () => {
  const pool = new BlockPool(3);
  const input = new Endless();
  const output = compressBlocks(input, pool, asItIs);
  await output.next();
  await output.return(undefined);
  assert.ok(input.isClosed);
  await takeAll(pool, 3);
});

test('an error of the input, or of a block, comes through, and the pool has everything back', async () => {
  const pool = new BlockPool(3);
  function* broken(): Generator<Buffer> {
    yield Buffer.concat([block, block, block, block]);
    throw new Error('broken input');
  }
  await assert.rejects(all(compressBlocks(broken(), pool, asItIs)), /^Error: broken input$/);
  const input = new Endless();
  const failing: CompressBlock = (memory, length) =>
    input.read < 5 ? asItIs(memory, length) : Promise.reject(new Error('no memory'));
  await assert.rejects(all(compressBlocks(input, pool, failing)), /^Error: no memory$/);
  assert.ok(input.isClosed);
  await takeAll(pool, 3);
});

test('while a layer is read, other work of the process goes on', async () => {
  const input = new Endless();
  const output = compressBlocks(input, new BlockPool(2), asItIs);
  let turns = 0;
  const others = (async () => {
    for (; turns < 5; turns++) await setImmediate();
  })();
  for (let blocks = 0; blocks < 50; blocks++) await output.next();
  await output.return(undefined);
  assert.equal(turns, 5);
  await others;
});
