import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Commit, Plain } from '../commits.ts';
import { checkLeases } from './leases.ts';

function history(...documents: (readonly [time: number, data: Plain | undefined])[]): Commit[] {
  return documents.map(([time, data], index) => ({
    time,
    writes: [{ collection: 'images', id: 'key', data }],
    line: index + 1,
  }));
}

function building(token: string, renewedAt: number): Plain {
  return { build: { state: 'building', lease: { token, renewedAt, durationSeconds: 5 } } };
}

const QUEUED = { build: { state: 'queued' } };
const published = (digest: string): Plain => ({ build: { state: 'none' }, current: { digest } });

test('a life in order', () => {
  const life = history(
    [0, QUEUED],
    [1000, building('a', 1000)],
    [3000, building('a', 3000)],
    [8001, building('b', 8001)],
    [9000, published('x')],
    [9500, { ...QUEUED, current: { digest: 'x' } }],
    [9600, { ...building('c', 9600), current: { digest: 'x' } }],
    [9700, published('y')],
  );
  assert.deepEqual(checkLeases(life), []);
});

test('a lease that is taken before it is over is found', () => {
  const life = history([1000, building('a', 1000)], [3000, building('a', 3000)], [7000, building('b', 7000)]);
  assert.deepEqual(
    checkLeases(life).map(({ at }) => at),
    ['commits.jsonl:3'],
  );
});

test('an image that is published by one without a lease is found', () => {
  assert.equal(checkLeases(history([0, QUEUED], [1, published('x')])).length, 1);
  const twice = history([0, building('a', 0)], [1, published('x')], [2, published('y')]);
  assert.equal(checkLeases(twice).length, 1);
});
