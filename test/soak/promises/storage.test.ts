import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plain } from '../commits.ts';
import type { State, StoredObject } from '../state.ts';
import { orphansOf } from './orphans.ts';
import { checkStorage } from './storage.ts';

const NOW = 1_000_000;
const AGES = { grace: 10, tombstone: 10 };

function object(hex: string, more: Partial<StoredObject> = {}): StoredObject {
  const facts = { size: 1, crc32c: 'c' };
  const actual = { ...facts, digest: `sha256:${hex}` };
  return { name: `blobs/sha256/${hex}`, ...facts, generation: '1', createdAt: 0, actual, ...more };
}

const BLOB = { size: 1, crc32c: 'c', lastReference: 0 };
const MANIFEST = {
  bytes: Buffer.from(
    JSON.stringify({
      config: { digest: 'sha256:a', size: 1 },
      layers: [{ digest: 'sha256:b', size: 1 }],
    }),
  ).toString('base64'),
};
const map = (entries: Readonly<Record<string, Plain>>) => new Map(Object.entries(entries));

const WHOLE: State = {
  at: NOW,
  images: map({ i: { build: { state: 'none' }, current: { digest: 'sha256:m' } } }),
  manifests: map({ 'sha256:m': MANIFEST }),
  blobs: map({ 'sha256:a': BLOB, 'sha256:b': BLOB }),
  layers: map({ l: { digest: 'sha256:b' } }),
  objects: [object('a'), object('b')],
};

const broken = (more: Partial<State>): string[] =>
  checkStorage({ ...WHOLE, ...more }).map(({ promise }) => promise);
const orphans = (more: Partial<State>): string[] =>
  orphansOf({ ...WHOLE, ...more }, AGES).map(({ what }) => what);

test('what is whole has nothing broken, and nothing left over', () => {
  assert.deepEqual(broken({}), []);
  assert.deepEqual(orphans({}), []);
});

test('an object or a document that a manifest lacks is found', () => {
  assert.deepEqual(broken({ objects: [object('a')] }), ['every manifest has its blobs']);
  assert.deepEqual(broken({ blobs: map({ 'sha256:a': BLOB }) }), ['every manifest has its blobs']);
});

test('objects of another size, checksum or content are found', () => {
  assert.deepEqual(broken({ objects: [object('a'), object('b', { size: 2 })] }), [
    'every manifest has its blobs',
    'blobs are as their documents say',
    'objects are what their names say',
  ]);
  const actual = { size: 1, crc32c: 'c', digest: 'sha256:other' };
  assert.deepEqual(broken({ objects: [object('a', { actual }), object('b')] }), [
    'objects are what their names say',
  ]);
  assert.deepEqual(broken({ blobs: map({ 'sha256:a': { ...BLOB, crc32c: 'd' }, 'sha256:b': BLOB }) }), [
    'blobs are as their documents say',
  ]);
});

test('a current image without manifest, and a build that nobody ended, are found', () => {
  assert.deepEqual(broken({ manifests: map({}) }), ['every current image has its manifest']);
  assert.deepEqual(broken({ images: map({ i: { build: { state: 'queued' } } }) }), [
    'no build is left alone',
  ]);
});

test('objects, blobs and layers that are left over are found, once they are old', () => {
  const old = NOW - 1000 * (AGES.grace + AGES.tombstone) - 1;
  const objects = (createdAt: number) => ({ objects: [...WHOLE.objects, object('c', { createdAt })] });
  assert.deepEqual(orphans(objects(old)), ['object blobs/sha256/c has no document']);
  assert.deepEqual(orphans(objects(old + 1)), []);
  const blobs = (lastReference: number) => ({
    ...objects(old),
    blobs: new Map([...WHOLE.blobs, ['sha256:c', { ...BLOB, lastReference }]]),
  });
  assert.deepEqual(orphans(blobs(old)), ['blob sha256:c is in no manifest']);
  assert.deepEqual(orphans(blobs(old + 1)), []);
  assert.deepEqual(orphans({ objects: [object('a')] }), ['blob sha256:b has no object']);
  assert.deepEqual(orphans({ layers: map({ l: { digest: 'sha256:z' } }) }), ['layer l has no blob']);
});
