import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { crc32c, formatCrc32c, parseCrc32c } from '#core/crc32c.ts';

/** The examples of RFC 3720, B.4 (which prints the four bytes in the order of the wire, least significant first). */
const rfc3720: readonly [what: string, data: Buffer, wire: string][] = [
  ['32 bytes of zeroes', Buffer.alloc(32), 'aa36918a'],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), '43aba862'],
  ['32 bytes of incrementing 00..1f', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), '4e79dd46'],
  ['32 bytes of decrementing 1f..00', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), '5cdb3f11'],
  [
    'an iSCSI SCSI Read (10) command PDU',
    Buffer.from(
      '01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000',
      'hex',
    ),
    '563a96d9',
  ],
];

describe('crc32c', () => {
  for (const [what, data, wire] of rfc3720) {
    test(`RFC 3720: ${what}`, () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(crc32c(data));
      assert.equal(bytes.toString('hex'), wire);
    });
  }

  test('the check value of the catalogue of CRCs', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  });

  test('of no bytes is 0, and changes nothing that came before', () => {
    assert.equal(crc32c(new Uint8Array()), 0);
    assert.equal(crc32c(new Uint8Array(), 0xe3069283), 0xe3069283);
  });

  test('in pieces, at any offset of their buffer, is that of the whole and of the plain definition', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 70 })), fc.nat(9), (pieces, padding) => {
        const whole = Buffer.concat(pieces);
        const shifted = Buffer.concat([Buffer.alloc(padding, 0xa5), whole]).subarray(padding);
        assert.equal(crc32c(shifted), bitwise(whole));
        assert.equal(
          pieces.reduce((crc, piece) => crc32c(piece, crc), 0),
          bitwise(whole),
        );
      }),
    );
  });
});

describe('the base64 form', () => {
  test('is that of Google’s documentation', () => {
    assert.equal(formatCrc32c(crc32c(Buffer.from('hello'))), 'mnG7TA==');
    assert.equal(formatCrc32c(0), 'AAAAAA==');
  });

  test('is read back, and nothing else is', () => {
    fc.assert(fc.property(fc.nat(0xffffffff), crc => assert.equal(parseCrc32c(formatCrc32c(crc)), crc)));
    for (const text of ['', 'AAAA', 'AAAAAAA=', 'AAAAAA', 'no base64', 'mnG7TA==\n']) {
      assert.equal(parseCrc32c(text), undefined, JSON.stringify(text));
    }
  });
});

/** The definition: a bit at a time. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
