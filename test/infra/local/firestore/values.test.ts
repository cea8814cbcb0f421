import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareValues, equalValues } from '#local/firestore/values.ts';
import type { Value } from '#local/firestore/wire.ts';

const integer = (text: string): Value => ({ valueType: 'integerValue', integerValue: text });
const double = (number: number): Value => ({ valueType: 'doubleValue', doubleValue: number });
const map = (fields: Record<string, Value>): Value => ({ valueType: 'mapValue', mapValue: { fields } });
const list = (...values: Value[]): Value => ({ valueType: 'arrayValue', arrayValue: { values } });
const text = (stringValue: string): Value => ({ valueType: 'stringValue', stringValue });
const vector = (...numbers: number[]): Value =>
  map({ __type__: text('__vector__'), value: list(...numbers.map(double)) });

/** The documented order, from the least to the greatest. */
const ascending: readonly Value[] = [
  { valueType: 'nullValue', nullValue: 'NULL_VALUE' },
  { valueType: 'booleanValue', booleanValue: false },
  { valueType: 'booleanValue', booleanValue: true },
  double(Number.NaN),
  double(-Infinity),
  integer('-9223372036854775808'),
  double(-0.5),
  integer('0'),
  double(9007199254740992),
  integer('9007199254740993'),
  integer('9223372036854775807'),
  double(2 ** 63),
  double(Infinity),
  { valueType: 'timestampValue', timestampValue: { seconds: '1' } },
  { valueType: 'timestampValue', timestampValue: { seconds: '1', nanos: 1000 } },
  text(''),
  text('a'),
  text('\uffee'),
  text('\u{1F600}'),
  { valueType: 'bytesValue', bytesValue: Buffer.from([0]) },
  { valueType: 'bytesValue', bytesValue: Buffer.from([0, 0]) },
  { valueType: 'referenceValue', referenceValue: 'projects/p/databases/d/documents/c/a' },
  { valueType: 'referenceValue', referenceValue: 'projects/p/databases/d/documents/c/a/c/a' },
  { valueType: 'referenceValue', referenceValue: 'projects/p/databases/d/documents/c/a!' },
  { valueType: 'geoPointValue', geoPointValue: { latitude: -1, longitude: 1 } },
  { valueType: 'geoPointValue', geoPointValue: {} },
  list(),
  list(integer('1')),
  list(integer('1'), integer('0')),
  list(integer('2')),
  vector(9),
  vector(1, 1),
  vector(1, 2),
  map({}),
  map({ a: integer('1') }),
  map({ a: integer('1'), b: integer('0') }),
  map({ a: integer('2') }),
  map({ b: integer('0') }),
];

test('values are ordered as documented', () => {
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      assert.equal(Math.sign(compareValues(a, b)), Math.sign(i - j), JSON.stringify([a, b]));
    }
  }
});

test('1 and 1.0 are equal, 0 and -0 too', () => {
  assert.ok(equalValues(integer('1'), double(1)));
  assert.ok(equalValues(double(0), double(-0)));
});

test('numbers have one order, whatever their types', () => {
  const number = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(value => integer(String(value))),
    fc.double().map(double),
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(value => integer(String(value))),
    fc.constantFrom(2 ** 53, 2 ** 53 + 2).map(double),
  );
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      assert.equal(Math.sign(compareValues(a, b)) + Math.sign(compareValues(b, a)), 0);
      if (compareValues(a, b) <= 0 && compareValues(b, c) <= 0) assert.ok(compareValues(a, c) <= 0);
    }),
  );
});
