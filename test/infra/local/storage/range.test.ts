import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parseContentRange } from '#local/storage/content-range.ts';
import { parseRange } from '#local/storage/range.ts';

describe('Range', () => {
  const range = fc.record({ first: fc.nat(12), last: fc.nat(12), size: fc.nat(10) });
  const bytes = (size: number) => Array.from({ length: size }, (_, i) => i);

  test('selects exactly the bytes whose positions are asked for, or says there are none', () => {
    fc.assert(
      fc.property(range, ({ first, last, size }) => {
        for (const [header, wanted] of [
          [`bytes=${first}-${last}`, bytes(size).filter(at => at >= first && at <= last)],
          [`bytes=${first}-`, bytes(size).filter(at => at >= first)],
          [`bytes=-${last}`, bytes(size).filter(at => at >= size - last)],
        ] as const) {
          const part = parseRange(header, size);
          if (header === `bytes=${first}-${last}` && last < first) assert.equal(part, 'whole', header);
          else if (wanted.length === 0) assert.equal(part, 'unsatisfiable', header);
          else {
            assert.ok(typeof part === 'object');
            assert.deepEqual(bytes(size).slice(part.start, part.end), wanted, header);
          }
        }
      }),
    );
  });

  test('is ignored where it is none', () => {
    for (const header of [
      undefined,
      '',
      'bytes',
      'bytes=',
      'bytes=-',
      'bytes=0-1,3-4',
      'Bytes=a-b',
      'x=0-1',
    ]) {
      assert.equal(parseRange(header, 10), 'whole', header);
    }
  });
});

describe('Content-Range', () => {
  test('is understood in all its forms', () => {
    const piece = 256 << 10;
    for (const [header, expected] of [
      [undefined, { start: 0, total: 'end of body' }],
      ['bytes */*', {}],
      ['bytes */5', { total: 5 }],
      ['bytes 0-4/5', { start: 0, length: 5, total: 5 }],
      [`bytes 7-${piece + 6}/*`, { start: 7, length: piece }],
      ['bytes 7-*/*', { start: 7, total: 'end of body' }],
      ['bytes 7-*/9', { start: 7, total: 9 }],
    ] as const) {
      assert.deepEqual(parseContentRange(header), expected, header);
    }
  });

  test('is refused where it contradicts itself', () => {
    for (const header of [
      'bytes 0-4',
      'bytes 5-4/9',
      'bytes 0-9/5',
      'bytes 0-4/*',
      'bytes -4/5',
      '0-4/5',
      '',
    ]) {
      assert.throws(() => parseContentRange(header), { status: 400 }, header);
    }
  });
});
