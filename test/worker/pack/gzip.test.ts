import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { COMPRESSOR_ID, gzip } from '#worker/pack/gzip.ts';

const BLOCK = 1 << 20;

/** Bytes that compress about as programs do: words from a small vocabulary, drawn by a fixed generator. */
function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  const next = () => (state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 16;
  for (let at = 0; at < length;) {
    const word = next() % 4096;
    for (let count = 1 + (word % 7); count > 0 && at < length; count--, at++)
      bytes[at] = (word * count) >>> 3;
  }
  return bytes;
}

async function compress(input: Iterable<Uint8Array>, inFlight?: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of gzip(input, inFlight === undefined ? {} : { inFlight })) parts.push(part);
  return Buffer.concat(parts);
}

function* chunked(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test('what goes in comes out, at and around the ends of blocks', async () => {
  for (const length of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 12_345]) {
    const bytes = sample(length);
    assert.ok(gunzipSync(await compress([bytes])).equals(bytes), `${length} bytes`);
  }
});

test('GNU gzip takes it as one sound member', async () => {
  const bytes = sample(2 * BLOCK + 5);
  const packed = await compress([bytes]);
  assert.ok(execFileSync('gzip', ['-dc'], { input: packed, maxBuffer: 8 * BLOCK }).equals(bytes));
  // Anything after the one member would be a second.
  assert.equal(packed.indexOf(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]), 1), -1);
});

test('the output does not depend on the number of blocks in flight', async () => {
  const bytes = sample(9 * BLOCK + 1);
  const alone = await compress([bytes], 1);
  for (const inFlight of [2, 7, undefined]) assert.ok((await compress([bytes], inFlight)).equals(alone));
});

test('the output does not depend on how the input is cut', async () => {
  const bytes = sample(2 * BLOCK + 999);
  const whole = await compress([bytes]);
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 500, max: 9000 }), fc.integer({ min: 1, max: 3 * BLOCK })),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  await fc.assert(
    fc.asyncProperty(sizes, async cuts => {
      assert.ok((await compress(chunked(bytes, cuts))).equals(whole));
    }),
    { numRuns: 12 },
  );
});

test('a block knows the end of the one before it', async () => {
  const noise = createHash('shake256', { outputLength: 1 << 14 })
    .update('noise')
    .digest();
  const twice = Buffer.concat([Buffer.alloc(BLOCK - noise.length), noise, noise]);
  const once = twice.subarray(0, BLOCK);
  assert.ok((await compress([twice])).length < (await compress([once])).length + 500);
});

test('only so many blocks are read ahead', async () => {
  let read = 0;
  const block = sample(BLOCK);
  function* endless() {
    for (;;) {
      read += 1;
      yield block;
    }
  }
  const output = gzip(endless(), { inFlight: 3 });
  // The header, then two blocks.
  for (let part = 0; part < 3; part++) await output.next();
  assert.equal(read, 4);
  await output.return(undefined);
  assert.equal(read, 4);
});

test('an error of the input comes through', async () => {
  function* broken() {
    yield sample(3 * BLOCK);
    throw new Error('broken input');
  }
  await assert.rejects(compress(broken()), /^Error: broken input$/);
});

/**
 * Golden vectors. Fails this test, then this runtime's deflate gives other bytes (or gzip.ts does): raise VERSION in
 * gzip.ts, so that the layers get other keys, and write down the new digests. Never change one without the other.
 */
test('the bytes are those that this compressor has always made', async () => {
  const digest = async (length: number) =>
    createHash('sha256')
      .update(await compress([sample(length)]))
      .digest('hex');
  assert.deepEqual(
    {
      id: COMPRESSOR_ID,
      empty: (await compress([])).toString('hex'),
      text: (await compress([Buffer.from('derivery derivery derivery\n')])).toString('hex'),
      short: await digest(10_000),
      blocks: await digest(3 * BLOCK + 777),
    },
    {
      id: 'gzip-blocks level=6 block=1048576 version=1',
      empty: '1f8b08000000000000ff03000000000000000000',
      text: '1f8b08000000000000ff4a492dca2c4b2daa544841677001000000ffff03009f53b46e1b000000',
      short: 'b868ab7f57cd39d61e0cd603f590807badc155c79653b2cac5f5e6aca22908e2',
      blocks: 'b25ed3f8a6227bb736df4d05940b2740c771e28d1c46cfa130bbfbb8dee23e85',
    },
  );
});
