// Field paths (`a.b`, `` a.`b.c` ``), and reading, setting and selecting fields by them.
import { invalid } from './errors.ts';
import type { Fields, Value } from './wire.ts';

/** At least one name, outermost first. */
export type FieldPath = readonly [string, ...string[]];

/** The path that means the document's name. */
export const NAME_PATH = '__name__';

const SEGMENT = /(?:`((?:[^`\\]|\\.)+)`|([a-zA-Z_][a-zA-Z_0-9]*))(\.|$)/sy;

/** @throws INVALID_ARGUMENT, also for the names that Firestore keeps for itself (`__…__`), except `__name__` */
export function parseFieldPath(raw: string | undefined): FieldPath {
  const names: string[] = [];
  const text = raw ?? '';
  let end = '.';
  for (let at = 0; end === '.'; at = SEGMENT.lastIndex) {
    SEGMENT.lastIndex = at;
    const match = SEGMENT.exec(text);
    if (!match) return invalid(`Invalid property path "${text}".`);
    const [, quoted, plain = '', dot = ''] = match;
    names.push(quoted?.replace(/\\(.)/gs, '$1') ?? plain);
    end = dot;
  }
  if (text !== NAME_PATH && names.some(name => /^__.*__$/s.test(name))) {
    invalid(`Invalid reserved name in field path ${text}`);
  }
  return names as [string, ...string[]];
}

export function fieldAt(fields: Fields, [head, ...rest]: FieldPath): Value | undefined {
  const value = Object.hasOwn(fields, head) ? fields[head] : undefined;
  const [next, ...others] = rest;
  if (next === undefined) return value;
  return value?.valueType === 'mapValue' ? fieldAt(value.mapValue.fields, [next, ...others]) : undefined;
}

/** A copy with the field set, or removed for `undefined`; what lies on the way becomes a map. */
export function withField(fields: Fields, [head, ...rest]: FieldPath, value: Value | undefined): Fields {
  const [next, ...others] = rest;
  if (next === undefined) {
    if (value !== undefined) return { ...fields, [head]: value };
    const { [head]: _removed, ...kept } = fields;
    return kept;
  }
  const inner = fieldAt(fields, [head]);
  const innerFields = inner?.valueType === 'mapValue' ? inner.mapValue.fields : undefined;
  if (!innerFields && value === undefined) return fields;
  const changed = withField(innerFields ?? {}, [next, ...others], value);
  return { ...fields, [head]: { valueType: 'mapValue', mapValue: { fields: changed } } };
}

/** Only the fields that the paths name. */
export function selectFields(fields: Fields, paths: readonly FieldPath[]): Fields {
  return paths.reduce<Fields>((selected, path) => {
    const value = fieldAt(fields, path);
    return value === undefined ? selected : withField(selected, path, value);
  }, {});
}
