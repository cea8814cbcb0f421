// Firestore's order of values, across all types: https://firebase.google.com/docs/firestore/manage-data/data-types
import { compareNames, compareUtf8 } from './names.ts';
import type { Timestamp, Value } from './wire.ts';

export const NULL: Value = { valueType: 'nullValue', nullValue: 'NULL_VALUE' };

export function timestampValue(timestamp: Timestamp): Value {
  return { valueType: 'timestampValue', timestampValue: timestamp };
}

export function arrayValue(values: readonly Value[]): Value {
  return { valueType: 'arrayValue', arrayValue: { values } };
}

export function isNumber(value: Value): boolean {
  return value.valueType === 'integerValue' || value.valueType === 'doubleValue';
}

export function isNaNValue(value: Value): boolean {
  return value.valueType === 'doubleValue' && Number.isNaN(value.doubleValue);
}

export function isNull(value: Value): boolean {
  return value.valueType === 'nullValue';
}

/** Equal as a filter sees it: 1 and 1.0 are. */
export function equalValues(a: Value, b: Value): boolean {
  return compareValues(a, b) === 0;
}

/** Range filters compare only values of one rank. */
export function sameRank(a: Value, b: Value): boolean {
  return rank(a) === rank(b);
}

/** Negative, zero or positive, as for `Array.sort`. */
export function compareValues(a: Value, b: Value): number {
  const byRank = rank(a) - rank(b);
  if (byRank !== 0) return byRank;
  if (isNumber(a)) return compareNumbers(a, b);
  const vectors = vectorElements(a);
  if (vectors) return compareVectors(vectors, vectorElements(b) ?? []);
  switch (a.valueType) {
    case 'booleanValue':
      return b.valueType === a.valueType ? Number(a.booleanValue) - Number(b.booleanValue) : 0;
    case 'timestampValue':
      return b.valueType === a.valueType ? compareTimestamps(a.timestampValue, b.timestampValue) : 0;
    case 'stringValue':
      return b.valueType === a.valueType ? compareUtf8(a.stringValue, b.stringValue) : 0;
    case 'bytesValue':
      return b.valueType === a.valueType ? Buffer.compare(a.bytesValue, b.bytesValue) : 0;
    case 'referenceValue':
      return b.valueType === a.valueType ? compareNames(a.referenceValue, b.referenceValue) : 0;
    case 'geoPointValue': {
      if (b.valueType !== a.valueType) return 0;
      const [p, q] = [a.geoPointValue, b.geoPointValue];
      return (p.latitude ?? 0) - (q.latitude ?? 0) || (p.longitude ?? 0) - (q.longitude ?? 0);
    }
    case 'arrayValue':
      return b.valueType === a.valueType ? compareLists(a.arrayValue.values, b.arrayValue.values) : 0;
    case 'mapValue':
      return b.valueType === a.valueType ? compareMaps(entries(a), entries(b)) : 0;
    default:
      return 0;
  }
}

const RANKS: Readonly<Record<Value['valueType'], number>> = {
  nullValue: 0,
  booleanValue: 1,
  integerValue: 2,
  doubleValue: 2,
  timestampValue: 3,
  stringValue: 4,
  bytesValue: 5,
  referenceValue: 6,
  geoPointValue: 7,
  arrayValue: 8,
  mapValue: 10,
};
const VECTOR_RANK = 9;

function rank(value: Value): number {
  return vectorElements(value) ? VECTOR_RANK : RANKS[value.valueType];
}

/** A vector is a map with a mark in it; it sorts before the other maps. */
function vectorElements(value: Value): readonly Value[] | undefined {
  if (value.valueType !== 'mapValue') return undefined;
  const { __type__: mark, value: elements } = value.mapValue.fields;
  const marked = mark?.valueType === 'stringValue' && mark.stringValue === '__vector__';
  return marked && elements?.valueType === 'arrayValue' ? elements.arrayValue.values : undefined;
}

function compareVectors(a: readonly Value[], b: readonly Value[]): number {
  return a.length - b.length || compareLists(a, b);
}

/** NaN is before all other numbers; integers and doubles are compared without rounding either. */
function compareNumbers(a: Value, b: Value): number {
  if (isNaNValue(a) || isNaNValue(b)) return Number(isNaNValue(b)) - Number(isNaNValue(a));
  const [x, y] = [exactNumber(a), exactNumber(b)];
  // JavaScript compares a bigint with a number by their mathematical values.
  if (x < y) return -1;
  return x > y ? 1 : 0;
}

function exactNumber(value: Value): number | bigint {
  if (value.valueType === 'integerValue') return BigInt(value.integerValue);
  return value.valueType === 'doubleValue' ? value.doubleValue : Number.NaN;
}

function compareTimestamps(a: Timestamp, b: Timestamp): number {
  return Number(a.seconds ?? 0) - Number(b.seconds ?? 0) || (a.nanos ?? 0) - (b.nanos ?? 0);
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareValues(value, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

type Entry = readonly [string, Value];

function entries(map: Value & { readonly valueType: 'mapValue' }): readonly Entry[] {
  return Object.entries(map.mapValue.fields).sort(([a], [b]) => compareUtf8(a, b));
}

function compareMaps(a: readonly Entry[], b: readonly Entry[]): number {
  for (const [index, [key, value]] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareUtf8(key, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
