import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { TransientError } from '#core/errors.ts';
import { BlockPool } from '#worker/pack/block-pool.ts';
import { compressBlocks } from '#worker/pack/compress-blocks.ts';
import type { Compressor } from '#worker/pack/compressor.ts';
import { deflateInPlace, startDeflateThreads, type DeflateTask } from '#worker/pack/deflate-threads.ts';
import { GZIP } from '#worker/pack/gzip.ts';
import { packLayer } from '#worker/pack/pack-layer.ts';
import { sample } from './sample.ts';

/** An empty last block: what is deflated has none. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

function taskWith(bytes: Uint8Array, dictionary?: Uint8Array): DeflateTask {
  const memory = Buffer.from(new SharedArrayBuffer(bytes.length + 1000));
  memory.set(bytes);
  return { memory, length: bytes.length, level: 6, dictionary };
}

async function roundTrip(bytes: Buffer, dictionary?: Buffer): Promise<void> {
  const task = taskWith(bytes, dictionary);
  const length = await deflateInPlace(task);
  const whole = Buffer.concat([task.memory.subarray(0, length), LAST_BLOCK]);
  assert.ok(inflateRawSync(whole, { ...(dictionary && { dictionary }) }).equals(bytes));
}

test('many tasks at once each get their own result', async () => {
  const lengths = Array.from({ length: 8 * availableParallelism() }, (_, index) => 1000 * index + 1);
  await Promise.all(
    lengths.map(length => roundTrip(sample(length), length % 2 === 0 ? sample(5000) : undefined)),
  );
});

test('a task that ends its thread fails those of that thread alone, and the next has a new one', async () => {
  // Noise only gets larger, and there is no room for more.
  const memory = Buffer.from(new SharedArrayBuffer(1000));
  const noRoom = { memory: randomFillSync(memory), length: memory.length, level: 6, dictionary: undefined };
  await assert.rejects(
    deflateInPlace(noRoom),
    error => error instanceof TransientError && error.cause instanceof RangeError,
  );
  await Promise.all([1, 2, 3, 4].map(() => roundTrip(sample(100_000))));
});

test('a layer whose thread ends is not packed, leaves nothing in the spool, and takes no other with it', async () => {
  const spoolFolder = await mkdtemp(join(tmpdir(), 'derivery-threads-'));
  try {
    const pool = new BlockPool(4);
    const broken: Compressor = {
      ...GZIP,
      async *compress(input, options) {
        yield* compressBlocks(input, options.pool, async memory => {
          await deflateInPlace({ memory, length: 1, level: 99, dictionary: undefined });
          return memory;
        });
      },
    };
    const pack = (compressor: Compressor) => packLayer([sample(5 << 20)], { compressor, pool, spoolFolder });
    await assert.rejects(pack(broken), TransientError);
    assert.deepEqual(await readdir(spoolFolder), []);
    // By the same pool, which has all its blocks again.
    await using packed = await pack(GZIP);
    assert.ok(gunzipSync(await readFile(packed.file)).equals(sample(5 << 20)));
  } finally {
    await rm(spoolFolder, { recursive: true });
  }
});

test('threads that are started beforehand take the tasks that follow', async () => {
  await startDeflateThreads();
  await roundTrip(sample(1000));
});

test('threads keep a process alive while they have work, and no longer', () => {
  const program = `
    import { deflateInPlace } from '#worker/pack/deflate-threads.ts';
    const memory = Buffer.from(new SharedArrayBuffer(100_000));
    const task = { memory, length: 90_000, level: 6, dictionary: undefined };
    for (let turn = 0; turn < 3; turn++) console.log(await deflateInPlace(task));
    void deflateInPlace(task).then(() => console.log('and the last'));
  `;
  // `--input-type` is for the program alone: a thread that took it over could not start.
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
    timeout: 60_000,
  });
  assert.match(said, /^(\d+\n){3}and the last\n$/);
});
