import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyTransforms, parseTransforms } from '#local/firestore/transforms.ts';
import type { Fields, FieldTransform, Value } from '#local/firestore/wire.ts';

const integer = (text: string): Value => ({ valueType: 'integerValue', integerValue: text });

function transform(fields: Fields, wire: FieldTransform, now = 0): Value | undefined {
  return applyTransforms(fields, parseTransforms([{ fieldPath: 'a', ...wire }]), now).fields['a'];
}

test('the server time has milliseconds: Google does not give it more precisely', () => {
  const wire = { transformType: 'setToServerValue', setToServerValue: 'REQUEST_TIME' };
  const timestampValue = { seconds: '1', nanos: 234_000_000 };
  assert.deepEqual(transform({}, wire, 1_234_567), { valueType: 'timestampValue', timestampValue });
});

test('integers stop at the ends of their range', () => {
  const increment = (by: string): FieldTransform => ({ transformType: 'increment', increment: integer(by) });
  const [min, max] = [integer('-9223372036854775808'), integer('9223372036854775807')];
  assert.deepEqual(transform({ a: max }, increment('1')), max);
  assert.deepEqual(transform({ a: min }, increment('-1')), min);
  assert.deepEqual(transform({ a: max }, increment('-1')), integer('9223372036854775806'));
});
