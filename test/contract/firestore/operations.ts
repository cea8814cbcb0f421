// Random requests in Firestore's own protocol, over a few documents and fields, so that they meet each other.
import * as fc from 'fast-check';
import { ROOT } from './raw-client.ts';

/** Which version a write asks for; the player knows the times of its server. */
export type Version = 'current' | 'outdated';

export interface RandomWrite {
  readonly id: string;
  readonly kind: 'set' | 'merge' | 'delete' | 'transform';
  readonly fields: object;
  readonly mask: readonly string[];
  readonly transforms: readonly object[];
  readonly precondition: { readonly exists: boolean } | Version | undefined;
}

export type Operation =
  | { readonly kind: 'commit' | 'batchWrite'; readonly writes: readonly RandomWrite[] }
  | {
      readonly kind: 'transaction';
      readonly reads: readonly string[];
      readonly query: object;
      readonly writes: readonly RandomWrite[];
      readonly end: 'commit' | 'rollback';
    }
  | { readonly kind: 'get'; readonly ids: readonly string[]; readonly mask: readonly string[] | undefined }
  /** `query` lacks `from`: the collection is the player's. */
  | { readonly kind: 'query' | 'count'; readonly query: object };

const id = fc.constantFrom('a', 'b', 'c', 'Z', '10', '9', 'é', '\u{1F600}', '\uffee');
const topField = fc.constantFrom('x', 'y', 'list', 'map');
const path = fc.constantFrom('x', 'y', 'list', 'map', 'map.k', 'map.j', 'map.k.l', '`a.b`');

const integer = fc.constantFrom(
  '0',
  '1',
  '-1',
  '3',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
);
const double = fc.constantFrom(0, -0, 1, 0.5, -1.5, 9007199254740992, Number.NaN, Infinity, -Infinity);
const text = fc.constantFrom('', 'a', 'b', 'é', 'Z', '\u{1F600}', '\uffee', 'a\u0000');
const small = fc.integer({ min: 0, max: 2 });

const number = fc.oneof(
  integer.map(integerValue => ({ integerValue })),
  double.map(doubleValue => ({ doubleValue })),
);
const scalar = fc.oneof(
  number,
  number,
  fc.constant({ nullValue: 'NULL_VALUE' }),
  fc.boolean().map(booleanValue => ({ booleanValue })),
  text.map(stringValue => ({ stringValue })),
  fc
    .tuple(small, fc.constantFrom(0, 1000, 1999))
    .map(([seconds, nanos]) => ({ timestampValue: { seconds, nanos } })),
  fc.uint8Array({ maxLength: 2, max: 2 }).map(bytes => ({ bytesValue: Buffer.from(bytes) })),
  text.map(name => ({ referenceValue: `${ROOT}/r/${name === '' || name.includes('\0') ? 'x' : name}` })),
  fc.tuple(small, small).map(([latitude, longitude]) => ({ geoPointValue: { latitude, longitude } })),
);
const mapOf = (value: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc
    .dictionary(fc.constantFrom('k', 'j', 'l'), value, { maxKeys: 2 })
    .map(fields => ({ mapValue: { fields } }));
const listOf = (value: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.array(value, { maxLength: 3 }).map(values => ({ arrayValue: { values } }));
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 2, arbitrary: mapOf(fc.oneof(scalar, mapOf(scalar), listOf(scalar))) },
  { weight: 2, arbitrary: listOf(fc.oneof(scalar, mapOf(scalar))) },
);
const fields = fc.dictionary(fc.oneof(topField, fc.constant('a.b')), value, { maxKeys: 4 });

const elements = fc.array(scalar, { maxLength: 3 }).map(values => ({ values }));
const transform = fc
  .tuple(
    path,
    fc.oneof(
      fc.constant({ setToServerValue: 'REQUEST_TIME' }),
      number.map(increment => ({ increment })),
      number.map(maximum => ({ maximum })),
      number.map(minimum => ({ minimum })),
      elements.map(appendMissingElements => ({ appendMissingElements })),
      elements.map(removeAllFromArray => ({ removeAllFromArray })),
    ),
  )
  .map(([fieldPath, operation]) => ({ fieldPath, ...operation }));

const write: fc.Arbitrary<RandomWrite> = fc.record({
  id,
  kind: fc.constantFrom('set', 'set', 'merge', 'merge', 'delete', 'transform'),
  fields,
  mask: fc.array(path, { maxLength: 3 }),
  transforms: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(transform, { minLength: 1, maxLength: 2 }) },
  ),
  precondition: fc.option(
    fc.oneof(
      fc.boolean().map(exists => ({ exists })),
      fc.constantFrom<Version>('current', 'outdated'),
    ),
    { nil: undefined, freq: 2 },
  ),
});
const writes = fc.array(write, { minLength: 1, maxLength: 4 });

const operator = fc.constantFrom(
  'EQUAL',
  'LESS_THAN',
  'LESS_THAN_OR_EQUAL',
  'GREATER_THAN',
  'GREATER_THAN_OR_EQUAL',
);
const fieldFilter = fc
  .oneof(
    { weight: 4, arbitrary: fc.record({ op: operator, value }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('ARRAY_CONTAINS'), value: scalar }) },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('IN'),
        value: fc.array(value, { minLength: 1, maxLength: 3 }).map(values => ({ arrayValue: { values } })),
      }),
    },
  )
  .chain(filter => path.map(fieldPath => ({ fieldFilter: { field: { fieldPath }, ...filter } })));
const unaryFilter = fc
  .tuple(path, fc.constantFrom('IS_NULL', 'IS_NAN'))
  .map(([fieldPath, op]) => ({ unaryFilter: { field: { fieldPath }, op } }));
const filter = fc.oneof({ weight: 5, arbitrary: fieldFilter }, { weight: 1, arbitrary: unaryFilter });

const direction = fc.constantFrom('ASCENDING', 'DESCENDING');
const order = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: path }, { weight: 1, arbitrary: fc.constant('__name__') }),
    direction,
  )
  .map(([fieldPath, towards]) => ({ field: { fieldPath }, direction: towards }));
const cursor = fc.record({ values: fc.array(value, { minLength: 1, maxLength: 2 }), before: fc.boolean() });

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 3 });
const query = fc
  .record({
    filters: fc.array(filter, { maxLength: 3 }),
    orderBy: fc.uniqueArray(order, { maxLength: 2, selector: ({ field }) => field.fieldPath }),
    startAt: rarely(cursor),
    endAt: rarely(cursor),
    offset: rarely(fc.integer({ min: -1, max: 3 })),
    limit: rarely(fc.integer({ min: -1, max: 4 })),
    select: rarely(fc.array(path, { maxLength: 2 })),
  })
  .map(({ filters, limit, select, ...rest }) => ({
    ...rest,
    where: filters.length === 0 ? undefined : { compositeFilter: { op: 'AND', filters } },
    limit: limit === undefined ? undefined : { value: limit },
    select: select && { fields: select.map(fieldPath => ({ fieldPath })) },
  }));

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('commit'), writes }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('batchWrite'), writes }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('transaction'),
      reads: fc.array(id, { maxLength: 2 }),
      query,
      writes,
      end: fc.constantFrom('commit', 'commit', 'rollback'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('get'),
      ids: fc.array(id, { minLength: 1, maxLength: 3 }),
      mask: rarely(fc.array(path, { maxLength: 2 })),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('query', 'query', 'count'), query }) },
);

export const operations: fc.Arbitrary<readonly Operation[]> = fc.array(operation, {
  minLength: 1,
  maxLength: 30,
});
