import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { listObjects } from '#local/storage/list.ts';
import { openStore, type Store } from '#local/storage/store.ts';

let folder: string;
let store: Store;
let buckets = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'derivery-list-'));
  store = openStore(folder, Date.now);
});
after(async () => {
  store.close();
  await rm(folder, { recursive: true });
});

/** A new bucket with objects of these names. */
function bucketOf(names: readonly string[]): string {
  const bucket = `bucket-${buckets++}`;
  store.createBucket(bucket, {});
  const rest = {
    generation: '1',
    metageneration: 1,
    file: 'none',
    size: 0,
    attributes: {},
    created: '',
    updated: '',
  };
  store.database.transaction(() => {
    for (const name of names) store.database.putObject({ ...rest, bucket, name, md5Hash: '', crc32c: '' });
  });
  return bucket;
}

/** All that a listing gives, page by page: names and prefixes, those marked as such. */
function listAll(bucket: string, query: Record<string, string>): string[][] {
  const pages: string[][] = [];
  let token: string | undefined = '';
  while (token !== undefined) {
    const page = listObjects(store, bucket, new URLSearchParams({ ...query, pageToken: token }));
    pages.push([...page.items.map(item => item.name), ...page.prefixes.map(prefix => `${prefix}*`)]);
    token = page.nextPageToken;
  }
  return pages;
}

const inUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('a listing is that of the definition, however it is cut into pages', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', '/', '0', '\u{fffd}', '\u{10000}', '\u{10ffff}'), {
      minLength: 1,
      maxLength: 5,
    })
    .map(letters => letters.join(''));
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 30 }),
      fc.constantFrom('', 'a', 'a/', '\u{10ffff}'),
      fc.constantFrom('', '/', '\u{10ffff}', 'b/'),
      fc.integer({ min: 1, max: 8 }),
      (names, prefix, delimiter, size) => {
        const wanted = names
          .filter(each => each.startsWith(prefix))
          .map(each => {
            const cut = delimiter === '' ? -1 : each.indexOf(delimiter, prefix.length);
            return cut < 0 ? each : `${each.slice(0, cut + delimiter.length)}*`;
          });
        const pages = listAll(bucketOf(names), { prefix, delimiter, maxResults: String(size) });
        assert.deepEqual(pages.flat().sort(inUtf8), [...new Set(wanted)].sort(inUtf8));
        assert.ok(pages.slice(0, -1).every(page => page.length === size));
      },
    ),
    { numRuns: 200 },
  );
});

test('a page has 1,000 entries at most', () => {
  const names = Array.from({ length: 2100 }, (_, i) => `object ${String(i).padStart(4, '0')}`);
  const pages = listAll(bucketOf(names), { maxResults: '5000' });
  assert.deepEqual(
    pages.map(page => page.length),
    [1000, 1000, 100],
  );
  assert.deepEqual(pages.flat(), names);
});

test('broken page tokens and sizes are refused', () => {
  const bucket = bucketOf([]);
  for (const query of [{ pageToken: '!' }, { maxResults: '0' }, { maxResults: 'x' }]) {
    assert.throws(() => listObjects(store, bucket, new URLSearchParams(query)), { status: 400 });
  }
});
