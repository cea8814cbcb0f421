import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { readMultipart } from '#local/storage/multipart.ts';

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

/** All of it, in chunks of one size. */
async function read(type: string, whole: Buffer, chunkSize: number) {
  const chunks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += chunkSize) chunks.push(whole.subarray(at, at + chunkSize));
  const { metadata, media } = await readMultipart(type, Readable.from(chunks));
  const bytes: Buffer[] = [];
  for await (const piece of media.bytes) bytes.push(piece);
  return { metadata, media: { ...media, bytes: Buffer.concat(bytes) } };
}

const chunkSizes = fc.integer({ min: 1, max: 40 });

describe('a multipart body', () => {
  test('has the two parts that were put into it, byte for byte, however it comes', async () => {
    await fc.assert(
      fc.asyncProperty(content, content, chunkSizes, async (metadata, bytes, chunkSize) => {
        for (const type of ['multipart/related; boundary=X', 'multipart/related; a=b; boundary="X"']) {
          assert.deepEqual(await read(type, body([metadata, bytes], 'X'), chunkSize), {
            metadata,
            media: { contentType: 'a/b', bytes },
          });
        }
      }),
    );
  });

  test('is refused where it has other parts, no end or no boundary', async () => {
    const whole = body([Buffer.from('{}'), Buffer.from('x')], 'X');
    const part = Buffer.from('x');
    for (const [type, bytes] of [
      ['multipart/related', whole],
      ['multipart/related; boundary=Y', whole],
      ['multipart/related; boundary=X', whole.subarray(0, -2)],
      ['multipart/related; boundary=X', Buffer.from('--X--')],
      ['multipart/related; boundary=X', body([part], 'X')],
      ['multipart/related; boundary=X', body([part, part, part], 'X')],
      ['multipart/related; boundary=X', Buffer.from('--X\r\nno empty line\r\n--X--')],
      ['multipart/related; boundary=X', Buffer.concat([Buffer.from('--X\r\nno empty line\r\n'), whole])],
    ] as const) {
      for (const chunkSize of [1, 7, 1000]) {
        await assert.rejects(read(type, bytes, chunkSize), { status: 400 }, `${type} ${bytes.toString()}`);
      }
    }
  });

  test('may have metadata of one MiB before it', async () => {
    const large = body([Buffer.alloc((1 << 20) + 1, 'x'), Buffer.from('x')], 'X');
    await assert.rejects(read('multipart/related; boundary=X', large, 1 << 16), { status: 413 });
  });
});
