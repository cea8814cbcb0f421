// Checks a document's fields as Firestore does before it stores them.
// Limits: https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
import { fromTimestamp, toTimestamp } from './clock.ts';
import { invalid, unsupported } from './errors.ts';
import { nameSize } from './names.ts';
import type { Fields, GeoPoint, Timestamp, Value } from './wire.ts';

const MAX_DOCUMENT_BYTES = 1_048_576;
const MAX_VALUE_BYTES = MAX_DOCUMENT_BYTES - 89;
const MAX_FIELD_NAME_BYTES = 1500;
const MAX_DEPTH = 20;
/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
const [MIN_SECONDS, MAX_SECONDS] = [-62_135_596_800, 253_402_300_799];

/**
 * The fields as they are stored: timestamps rounded down to microseconds.
 *
 * @throws INVALID_ARGUMENT for what no document may hold
 */
export function parseFields(fields: Fields): Fields {
  return parseMap(fields, 0);
}

/** A single value, as in a filter, a cursor or a transform. */
export function parseValue(value: Value | undefined): Value {
  return value === undefined ? invalid('A value is missing.') : parseNested(value, 0);
}

/** How large a stored document counts: https://firebase.google.com/docs/firestore/storage-size */
export function documentSize(name: string, fields: Fields): number {
  return nameSize(name) + fieldsSize(fields) + 32;
}

/** @throws INVALID_ARGUMENT when the document is larger than 1 MiB */
export function checkDocumentSize(name: string, fields: Fields): void {
  if (documentSize(name, fields) > MAX_DOCUMENT_BYTES) {
    invalid(
      `Document '${name}' cannot be written because its size exceeds the maximum allowed size of ` +
        `${MAX_DOCUMENT_BYTES.toLocaleString('en')} bytes.`,
    );
  }
}

function parseMap(fields: Fields, depth: number): Fields {
  const parsed: Record<string, Value> = {};
  for (const [name, value] of Object.entries(fields)) {
    // A vector carries its mark in a reserved name.
    const mark = name === '__type__' && depth > 0;
    if (name === '') invalid('A field name is the empty string.');
    if (/^__.*__$/s.test(name) && !mark) invalid(`field name ${name} is reserved`);
    if (Buffer.byteLength(name) > MAX_FIELD_NAME_BYTES) {
      invalid(`A field name is longer than ${MAX_FIELD_NAME_BYTES} bytes.`);
    }
    parsed[name] = parseNested(value, depth);
  }
  return parsed;
}

function parseNested(value: Value, depth: number): Value {
  switch (value.valueType) {
    case 'nullValue':
    case 'booleanValue':
    case 'integerValue':
    case 'doubleValue':
      return value;
    case 'timestampValue':
      return { ...value, timestampValue: parseTimestamp(value.timestampValue) };
    case 'stringValue':
      checkValueSize(Buffer.byteLength(value.stringValue));
      return value;
    case 'bytesValue':
      checkValueSize(value.bytesValue.length);
      return value;
    case 'referenceValue':
      if (!/^projects\/[^/]+\/databases\/[^/]+\/documents(\/[^/]+\/[^/]+)+$/.test(value.referenceValue)) {
        invalid(`Resource name "${value.referenceValue}" does not name a document.`);
      }
      return value;
    case 'geoPointValue':
      return { ...value, geoPointValue: parseGeoPoint(value.geoPointValue) };
    case 'arrayValue':
      checkDepth(depth + 1);
      return { ...value, arrayValue: { values: parseArray(value.arrayValue.values, depth) } };
    case 'mapValue':
      checkDepth(depth + 1);
      return { ...value, mapValue: { fields: parseMap(value.mapValue.fields, depth + 1) } };
    default:
      return refuseValue(value);
  }
}

function refuseValue(value: { readonly valueType?: string }): never {
  if (value.valueType === undefined) return invalid('Cannot convert firestore.v1.Value with type unset.');
  return unsupported(`values of the kind ${value.valueType}`);
}

function parseArray(values: readonly Value[], depth: number): readonly Value[] {
  return values.map(element => {
    if (element.valueType === 'arrayValue') invalid('Cannot convert an array value in an array value.');
    return parseNested(element, depth + 1);
  });
}

function parseTimestamp(timestamp: Timestamp): Timestamp {
  const seconds = Number(timestamp.seconds ?? 0);
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) invalid('Timestamp seconds exceeds limit for field.');
  return toTimestamp(fromTimestamp(timestamp));
}

function checkDepth(depth: number): void {
  if (depth > MAX_DEPTH) invalid(`A field is nested more than ${MAX_DEPTH} levels deep.`);
}

function parseGeoPoint({ latitude = 0, longitude = 0 }: GeoPoint): GeoPoint {
  if (!(Math.abs(latitude) <= 90)) invalid(`Geo point latitude '${latitude}' is outside -90 to 90.`);
  if (!(Math.abs(longitude) <= 180)) invalid(`Geo point longitude '${longitude}' is outside -180 to 180.`);
  return { latitude, longitude };
}

function checkValueSize(bytes: number): void {
  if (bytes > MAX_VALUE_BYTES) invalid(`The value of a property is longer than ${MAX_VALUE_BYTES} bytes.`);
}

function fieldsSize(fields: Fields): number {
  return Object.entries(fields).reduce((size, [name, value]) => size + textSize(name) + valueSize(value), 0);
}

function valueSize(value: Value): number {
  switch (value.valueType) {
    case 'nullValue':
    case 'booleanValue':
      return 1;
    case 'integerValue':
    case 'doubleValue':
    case 'timestampValue':
      return 8;
    case 'geoPointValue':
      return 16;
    case 'stringValue':
      return textSize(value.stringValue);
    case 'bytesValue':
      return value.bytesValue.length;
    case 'referenceValue':
      return nameSize(value.referenceValue);
    case 'arrayValue':
      return value.arrayValue.values.reduce((size, element) => size + valueSize(element), 0);
    case 'mapValue':
      return fieldsSize(value.mapValue.fields);
  }
}

function textSize(text: string): number {
  return Buffer.byteLength(text) + 1;
}
