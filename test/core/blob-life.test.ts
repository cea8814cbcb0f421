import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as life from '#core/blob-life.ts';
import { BELIEVED_MS, type BlobDocument } from '#core/blob-life.ts';

const NOW = 1_700_000_000_000;
const DAY = 86_400_000;
const object = { size: 4, crc32c: 'AAAAAA==', generation: '17' };
const live: BlobDocument = { ...object, lastReference: NOW, seenAt: NOW };
const liftable: BlobDocument = { ...live, tombstone: { placedAt: NOW, stage: 'liftable' } };
const final: BlobDocument = { ...live, tombstone: { placedAt: NOW, stage: 'final' } };

describe('an object that was written or found', () => {
  test('makes its blob live, whatever there was', () => {
    const next = { ...object, lastReference: NOW + 5, seenAt: NOW + 5 };
    for (const blob of [undefined, live, liftable])
      assert.deepEqual(life.record(blob, object, NOW + 5), next);
  });

  test('is no blob where this very object is condemned, and a new generation is', () => {
    assert.equal(life.record(final, object, NOW), undefined);
    const anew = { ...object, generation: '3' };
    assert.deepEqual(life.record(final, anew, NOW), { ...live, generation: '3' });
    assert.ok(life.isCondemned(final, object) && !life.isCondemned(final, anew));
    for (const blob of [undefined, live, liftable]) assert.ok(!life.isCondemned(blob, object));
  });
});

describe('a manifest', () => {
  test('refers to a blob that is live, and notes it seldom', () => {
    assert.deepEqual(life.refer(live, NOW + BELIEVED_MS), { kind: 'there', next: undefined });
    const lately = { ...live, lastReference: NOW - DAY };
    assert.deepEqual(life.refer(lately, NOW + 1), {
      kind: 'there',
      next: { ...live, lastReference: NOW + 1 },
    });
  });

  test('lifts a tombstone that can be lifted', () => {
    assert.deepEqual(life.refer(liftable, NOW + 1), {
      kind: 'there',
      next: { ...live, lastReference: NOW + 1 },
    });
  });

  test('does not name what is condemned or not known', () => {
    for (const blob of [undefined, final]) assert.deepEqual(life.refer(blob, NOW), { kind: 'missing' });
  });

  test('names only what somebody saw within the hour', () => {
    const unseen = { kind: 'unseen' };
    assert.deepEqual(life.refer(live, NOW + BELIEVED_MS + 1), unseen);
    assert.deepEqual(life.refer({ ...object, lastReference: NOW }, NOW), unseen);
    assert.deepEqual(life.refer(liftable, NOW + BELIEVED_MS + 1), unseen);
  });
});

describe('the janitor', () => {
  const due = NOW + 7 * DAY;
  const grace = { isNamed: false, graceMs: 7 * DAY };
  const delay = { isNamed: false, tombstoneMs: DAY };

  test('places a tombstone on what nothing names for the grace time', () => {
    assert.equal(life.expire(live, grace, due - 1), undefined);
    const tombstone = { placedAt: due, stage: 'liftable' };
    assert.deepEqual(life.expire(live, grace, due), { ...live, tombstone });
    assert.deepEqual(life.expire(live, { ...grace, isNamed: true }, due), { ...live, lastReference: due });
    for (const blob of [liftable, final]) assert.equal(life.expire(blob, grace, due), undefined);
  });

  test('condemns what has one for long, unless it is named after all', () => {
    assert.equal(life.condemn(liftable, delay, NOW + DAY - 1), undefined);
    const tombstone = { placedAt: NOW + DAY, stage: 'final' };
    assert.deepEqual(life.condemn(liftable, delay, NOW + DAY), { ...live, tombstone });
    const named = { ...live, lastReference: NOW + DAY };
    assert.deepEqual(life.condemn(liftable, { ...delay, isNamed: true }, NOW + DAY), named);
    for (const blob of [live, final]) assert.equal(life.condemn(blob, delay, due), undefined);
  });

  test('removes what is condemned still, with the generation that it deleted', () => {
    assert.ok(life.isRemovable(final, object.generation));
    assert.ok(!life.isRemovable(final, 'another'));
    for (const blob of [undefined, live, liftable]) assert.ok(!life.isRemovable(blob, object.generation));
  });

  test('adopts an object that no document tells of', () => {
    const { seenAt: _unseen, ...adopted } = liftable;
    assert.deepEqual(life.adopt(undefined, object, NOW), adopted);
    assert.deepEqual(life.refer(adopted, NOW), { kind: 'unseen' }, 'it may be gone already');
    for (const blob of [live, liftable, final]) assert.equal(life.adopt(blob, object, NOW), undefined);
  });

  test('sees whether an object is whole, which is no use of it', () => {
    for (const blob of [live, liftable]) {
      const found = { ...object, generation: '18' };
      const next = { ...blob, generation: '18', seenAt: NOW + 5 };
      assert.deepEqual(life.inspect(blob, found, NOW + 5), { kind: 'whole', next });
      for (const lost of [undefined, { ...object, size: 3 }, { ...object, crc32c: 'BBBBBB==' }]) {
        assert.deepEqual(life.inspect(blob, lost, NOW), { kind: 'lost' });
      }
    }
    for (const blob of [undefined, final]) {
      assert.deepEqual(life.inspect(blob, undefined, NOW), { kind: 'not-served' });
    }
  });
});
