import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { deflateInPlace, type DeflateTask } from '#worker/pack/deflate-threads.ts';
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

test('a task that ends its thread is an error of that thread alone, and the next task has a new one', async () => {
  // Noise only gets larger.
  const memory = Buffer.from(new SharedArrayBuffer(1000));
  const noRoom = { memory: randomFillSync(memory), length: memory.length, level: 6, dictionary: undefined };
  await assert.rejects(deflateInPlace(noRoom), RangeError);
  await Promise.all([1, 2, 3, 4].map(() => roundTrip(sample(100_000))));
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
