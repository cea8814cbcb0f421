import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { splitMultipart } from '#local/storage/multipart.ts';

/** As Google's client writes it. */
function body(parts: readonly Buffer[], boundary: string): Buffer {
  const each = parts.flatMap(part => [
    Buffer.from(`--${boundary}\r\nContent-Type: a/b\r\n\r\n`),
    part,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...each, Buffer.from(`--${boundary}--`)]);
}

// Bytes that look like the syntax around them.
const content = fc
  .array(fc.constantFrom('\r', '\n', '-', '--', 'X', '--X', '\r\n--Y', '\r\n\r\n', '\0', 'ÿ'))
  .map(pieces => Buffer.from(pieces.join(''), 'latin1'))
  .filter(bytes => !`\r\n${bytes.toString('latin1')}`.includes('\r\n--X'));

describe('a multipart body', () => {
  test('has the two parts that were put into it, byte for byte', () => {
    fc.assert(
      fc.property(content, content, (metadata, bytes) => {
        for (const type of ['multipart/related; boundary=X', 'multipart/related; a=b; boundary="X"']) {
          assert.deepEqual(splitMultipart(type, body([metadata, bytes], 'X')), {
            metadata,
            media: { contentType: 'a/b', bytes },
          });
        }
      }),
    );
  });

  test('is refused where it has other parts, no end or no boundary', () => {
    const whole = body([Buffer.from('{}'), Buffer.from('x')], 'X');
    const part = Buffer.from('x');
    for (const [type, bytes] of [
      ['multipart/related', whole],
      ['multipart/related; boundary=Y', whole],
      ['multipart/related; boundary=X', whole.subarray(0, -2)],
      ['multipart/related; boundary=X', body([part], 'X')],
      ['multipart/related; boundary=X', body([part, part, part], 'X')],
      ['multipart/related; boundary=X', Buffer.from('--X\r\nno empty line\r\n--X--')],
    ] as const) {
      assert.throws(() => splitMultipart(type, bytes), { status: 400 }, `${type} ${bytes.toString()}`);
    }
  });
});
