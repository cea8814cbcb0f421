import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Commit, Plain, Written } from '../commits.ts';
import { checkReferences } from './references.ts';

const LAYER = { digest: 'layer', size: 1 };

function bytesOf(manifest: object): Plain {
  return { bytes: Buffer.from(JSON.stringify(manifest)).toString('base64') };
}

const blob = (id: string, more: Plain = {}): Written => ({
  collection: 'blobs',
  id,
  data: { size: 1, ...more },
});
const manifest = (id: string): Written => ({
  collection: 'manifests',
  id,
  data: bytesOf({ config: { digest: 'config', size: 1 }, layers: [LAYER] }),
});
const index = (id: string, child: string): Written => ({
  collection: 'manifests',
  id,
  data: bytesOf({ manifests: [{ digest: child, size: 1 }] }),
});
const image = (digest: string): Written => ({
  collection: 'images',
  id: 'image',
  data: { build: { state: 'none' }, current: { digest } },
});
const gone = (collection: string, id: string): Written => ({ collection, id, data: undefined });

function brokenBy(...commits: Written[][]): (string | undefined)[] {
  const history: Commit[] = commits.map((writes, at) => ({ time: at, writes, line: at + 1 }));
  return checkReferences(history).map(({ at }) => at);
}

const WHOLE = [blob('config'), blob('layer'), manifest('m'), image('m')];

test('a life in order', () => {
  const tombstone = { tombstone: { stage: 'liftable' } };
  assert.deepEqual(
    brokenBy(
      WHOLE,
      [index('i', 'm')],
      [blob('layer', tombstone)],
      [gone('manifests', 'i')],
      [gone('images', 'image')],
      [gone('manifests', 'm')],
      [blob('layer', { tombstone: { stage: 'final' } })],
      [gone('blobs', 'layer')],
    ),
    [],
  );
});

test('a manifest that is written before its blobs is found', () => {
  assert.deepEqual(brokenBy([blob('config')], [manifest('m')], [blob('layer')]), ['commits.jsonl:2']);
});

test('a manifest that is published over a blob that is being deleted is found', () => {
  const final = blob('layer', { tombstone: { stage: 'final' } });
  assert.deepEqual(brokenBy([blob('config'), final], [manifest('m')]), ['commits.jsonl:2']);
});

test('a blob that is deleted, or condemned, under its manifest is found', () => {
  assert.deepEqual(brokenBy(WHOLE, [gone('blobs', 'config')]), ['commits.jsonl:2']);
  assert.deepEqual(brokenBy(WHOLE, [blob('layer', { tombstone: { stage: 'final' } })]), ['commits.jsonl:2']);
});

test('a current image without its manifest is found', () => {
  assert.deepEqual(brokenBy([image('m')]), ['commits.jsonl:1']);
  assert.deepEqual(brokenBy(WHOLE, [gone('manifests', 'm')]), ['commits.jsonl:2']);
});

test('an index without its child is found', () => {
  assert.deepEqual(brokenBy([index('i', 'm')]), ['commits.jsonl:1']);
  assert.deepEqual(brokenBy(WHOLE, [index('i', 'm')], [gone('images', 'image')], [gone('manifests', 'm')]), [
    'commits.jsonl:4',
  ]);
});
