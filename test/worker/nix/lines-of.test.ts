import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { linesOf, textOf } from '#worker/nix/lines-of.ts';

async function* inPieces(bytes: Uint8Array, ends: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const end of ends.toSorted((a, b) => a - b)) {
    yield bytes.subarray(from, end);
    from = Math.max(from, end);
  }
  yield bytes.subarray(from);
}

async function all(texts: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const text of texts) collected.push(text);
  return collected;
}

describe('what a process prints', () => {
  const line = fc
    .string({ unit: 'grapheme-composite', maxLength: 20 })
    .map(text => text.replaceAll(/[\r\n]/g, ''));
  const ends = fc.array(fc.nat(300));

  test('is the same lines however it arrives, each cut at the limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line), ends, fc.integer({ min: 1, max: 30 }), async (lines, at, limit) => {
        const bytes = Buffer.from(lines.map(text => `${text}\n`).join(''));
        const heard = await all(linesOf(inPieces(bytes, at), limit));
        assert.deepEqual(
          heard,
          lines.map(text => text.slice(0, limit)),
        );
      }),
    );
  });

  test('is the same text however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), ends, async (text, at) => {
        const pieces = await all(textOf(inPieces(Buffer.from(text), at)));
        assert.equal(pieces.join(''), Buffer.from(text).toString());
      }),
    );
  });

  test('has a last line without an end, and none where nothing is printed', async () => {
    assert.deepEqual(await all(linesOf(inPieces(Buffer.from('a\r\n\nb'), []), 9)), ['a', '', 'b']);
    assert.deepEqual(await all(linesOf(inPieces(Buffer.from(''), []), 9)), []);
  });

  test('is not kept beyond the limit where a line does not end', async () => {
    // More than a string can hold.
    const chunk = Buffer.alloc(16 << 20, 'x');
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 40; i++) yield chunk;
    }
    assert.deepEqual(await all(linesOf(endless(), 5)), ['xxxxx']);
  });
});
