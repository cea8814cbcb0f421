// Field transforms: values that only the server can compute.
import { toTimestamp, type Micros } from './clock.ts';
import { invalid, unsupported } from './errors.ts';
import { fieldAt, parseFieldPath, withField, type FieldPath } from './field-paths.ts';
import { parseValue } from './fields.ts';
import {
  arrayValue,
  compareValues,
  equalValues,
  isNaNValue,
  isNumber,
  NULL,
  timestampValue,
} from './values.ts';
import type { ArrayValue, Fields, FieldTransform, Value } from './wire.ts';

export interface Transform {
  readonly path: FieldPath;
  readonly compute: Compute;
}

/** From the field's value to the new one, and what the write's result says of it. */
type Compute = (old: Value | undefined, now: Micros) => { readonly value: Value; readonly result: Value };

/** @throws INVALID_ARGUMENT, UNIMPLEMENTED */
export function parseTransforms(wire: readonly FieldTransform[]): readonly Transform[] {
  const transforms = wire.map(one => ({ path: parseFieldPath(one.fieldPath), compute: parseCompute(one) }));
  for (const outer of transforms) {
    if (transforms.some(inner => isBelow(inner.path, outer.path))) {
      invalid(`Cannot transform property ${outer.path.join('.')} and its nested property at the same time.`);
    }
  }
  return transforms;
}

/** Applies the transforms one after the other. */
export function applyTransforms(
  fields: Fields,
  transforms: readonly Transform[],
  now: Micros,
): { readonly fields: Fields; readonly results: readonly Value[] } {
  let changed = fields;
  const results = transforms.map(({ path, compute }) => {
    const { value, result } = compute(fieldAt(changed, path), now);
    changed = withField(changed, path, value);
    return result;
  });
  return { fields: changed, results };
}

function parseCompute(wire: FieldTransform): Compute {
  switch (wire.transformType) {
    case 'setToServerValue':
      if (wire.setToServerValue !== 'REQUEST_TIME') {
        return invalid('ServerValue type must be specified for set_to_server_value transformation.');
      }
      return (_old, now) => shown(timestampValue(toTimestamp(toMilliseconds(now))));
    case 'increment': {
      const operand = parseNumber(wire.increment);
      return old => shown(old && isNumber(old) ? add(old, operand) : operand);
    }
    case 'maximum': {
      const operand = parseNumber(wire.maximum);
      // The maximum of anything and NaN is NaN, although NaN sorts first. So the minimum needs no such care.
      const keeps = (old: Value): boolean =>
        isNaNValue(old) || (!isNaNValue(operand) && compareValues(old, operand) >= 0);
      return old => shown(old && isNumber(old) && keeps(old) ? old : operand);
    }
    case 'minimum': {
      const operand = parseNumber(wire.minimum);
      return old => shown(old && isNumber(old) && compareValues(old, operand) <= 0 ? old : operand);
    }
    case 'appendMissingElements': {
      const elements = parseElements(wire.appendMissingElements);
      return old => hidden(arrayValue(elements.reduce(appendMissing, elementsOf(old))));
    }
    case 'removeAllFromArray': {
      const elements = parseElements(wire.removeAllFromArray);
      return old => hidden(arrayValue(elementsOf(old).filter(kept => !includes(elements, kept))));
    }
    case undefined:
      return invalid('Operation type must be specified for field transformation.');
    default:
      return unsupported(`the field transform ${wire.transformType}`);
  }
}

function isBelow(inner: FieldPath, outer: FieldPath): boolean {
  return inner.length > outer.length && outer.every((name, index) => inner[index] === name);
}

/** REQUEST_TIME has millisecond precision (google.firestore.v1.DocumentTransform). */
function toMilliseconds(time: Micros): Micros {
  return time - (time % 1000);
}

function shown(value: Value): { value: Value; result: Value } {
  return { value, result: value };
}

/** The transforms of arrays do not tell what came of them. */
function hidden(value: Value): { value: Value; result: Value } {
  return { value, result: NULL };
}

function parseNumber(wire: Value | undefined): Value {
  const value = parseValue(wire);
  return isNumber(value) ? value : invalid('Input must be int64 or double.');
}

function parseElements(wire: ArrayValue | undefined): readonly Value[] {
  const parsed = parseValue(arrayValue(wire?.values ?? []));
  return elementsOf(parsed);
}

function elementsOf(value: Value | undefined): readonly Value[] {
  return value?.valueType === 'arrayValue' ? value.arrayValue.values : [];
}

function appendMissing(elements: readonly Value[], element: Value): readonly Value[] {
  return includes(elements, element) ? elements : [...elements, element];
}

function includes(elements: readonly Value[], element: Value): boolean {
  return elements.some(other => equalValues(other, element));
}

const [MIN_INTEGER, MAX_INTEGER] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Integers stop at the ends of their range instead of overflowing. */
function add(a: Value, b: Value): Value {
  if (a.valueType === 'integerValue' && b.valueType === 'integerValue') {
    const sum = BigInt(a.integerValue) + BigInt(b.integerValue);
    const bounded = sum > MAX_INTEGER ? MAX_INTEGER : sum < MIN_INTEGER ? MIN_INTEGER : sum;
    return { valueType: 'integerValue', integerValue: String(bounded) };
  }
  return { valueType: 'doubleValue', doubleValue: toDouble(a) + toDouble(b) };
}

function toDouble(value: Value): number {
  if (value.valueType === 'integerValue') return Number(value.integerValue);
  return value.valueType === 'doubleValue' ? value.doubleValue : Number.NaN;
}
