import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { digestOf } from '#core/digest.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { listLayer } from '#local/audit/tar-listing.ts';
import { writeTar } from '#worker/pack/tar.ts';
import type { TarEntry } from '#worker/pack/tar-header.ts';

const owner = { uid: 7, gid: 1000 };

/** Names that need each form of a header: short ones, ones that are split, pax records, bytes that are no UTF-8. */
const name = fc
  .array(
    fc.oneof(
      fc.stringMatching(/^[a-z]{1,12}$/).map(letters => Buffer.from(letters)),
      fc.stringMatching(/^[a-z]{90,110}$/).map(letters => Buffer.from(letters)),
      fc.uint8Array({ minLength: 1, maxLength: 30, min: 0x30, max: 0xff }).map(bytes => Buffer.from(bytes)),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(parts =>
    Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from('/'), part]))),
  );

const mode = fc.integer({ min: 0, max: 0o7777 });

const entry: fc.Arbitrary<TarEntry> = fc.oneof(
  fc.record({ kind: fc.constant('directory' as const), name, mode, owner: fc.constant(owner) }),
  fc.record({ kind: fc.constant('symlink' as const), name, mode, owner: fc.constant(owner), target: name }),
  fc.record({ name, mode, bytes: fc.uint8Array({ maxLength: 2000 }) }).map(({ bytes, ...rest }) => {
    const content = (): Buffer[] => [Buffer.from(bytes)];
    return { kind: 'file' as const, ...rest, owner, size: bytes.length, content };
  }),
);

async function list(entries: readonly TarEntry[], chunk = 100_000) {
  const blob = gzipSync(Buffer.concat([...writeTar(entries)]));
  const chunks = Array.from({ length: Math.ceil(blob.length / chunk) }, (_, index) =>
    blob.subarray(index * chunk, (index + 1) * chunk),
  );
  return listLayer({ digest: digestOf(blob), mediaType: MEDIA_TYPES.gzipLayer }, Readable.from(chunks));
}

function contentOf(one: TarEntry): string {
  if (one.kind === 'symlink') return one.target.toString('latin1');
  if (one.kind === 'directory') return '';
  const hash = digestOf(Buffer.concat([...one.content()])).slice('sha256:'.length, 'sha256:'.length + 16);
  return `${one.size} bytes, sha256 ${hash}…`;
}

const KINDS = { file: 'file', directory: 'directory', symlink: 'symbolic link' } as const;

test('a layer is listed as it was packed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(entry, { selector: one => one.name.toString('latin1'), maxLength: 8 }),
      fc.integer({ min: 1, max: 3000 }),
      async (entries, chunk) => {
        const listing = await list(entries, chunk);
        const expected = entries.map(one => [
          one.name.toString('latin1'),
          {
            kind: KINDS[one.kind],
            mode: one.mode.toString(8).padStart(4, '0'),
            owner: '7:1000',
            time: '1',
            content: contentOf(one),
          },
        ]);
        assert.deepEqual([...listing], expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('other bytes than those of its digest are no layer', async () => {
  const blob = gzipSync(Buffer.concat([...writeTar([])]));
  await assert.rejects(
    listLayer({ digest: digestOf('other'), mediaType: MEDIA_TYPES.gzipLayer }, Readable.from([blob])),
    /other bytes than those of sha256:/,
  );
});

test('what is no tar says so', async () => {
  for (const bytes of [Buffer.from('x'.repeat(2048)), Buffer.from('short'), Buffer.alloc(0)]) {
    const blob = gzipSync(bytes);
    await assert.rejects(
      listLayer({ digest: digestOf(blob), mediaType: MEDIA_TYPES.gzipLayer }, Readable.from([blob])),
      /no tar|not octal|too early/,
    );
  }
  const blob = Buffer.from('not compressed at all');
  await assert.rejects(
    listLayer({ digest: digestOf(blob), mediaType: MEDIA_TYPES.gzipLayer }, Readable.from([blob])),
    /incorrect header check/,
  );
});
