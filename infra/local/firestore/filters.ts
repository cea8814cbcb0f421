// The `where` of a query: tests that a document's fields must all pass.
import { isDeepStrictEqual } from 'node:util';
import { invalid, unsupported } from './errors.ts';
import { fieldAt, NAME_PATH, parseFieldPath, type FieldPath } from './field-paths.ts';
import { parseValue } from './fields.ts';
import { arrayValue, compareValues, equalValues, isNaNValue, isNull, sameRank } from './values.ts';
import type { StoredDocument } from './version.ts';
import type * as wire from './wire.ts';

/** A field that a query compares or sorts by; `__name__` is the document's name. */
export interface QueryField {
  readonly path: string;
  valueIn(document: StoredDocument): wire.Value | undefined;
}

export interface Condition {
  readonly field: QueryField;
  /** The results of a query with inequalities come in the order of their fields. */
  readonly isInequality: boolean;
  accepts(value: wire.Value): boolean;
}

/** https://firebase.google.com/docs/firestore/query-data/queries#query_limitations */
const MAX_DISJUNCTIONS = 30;

/** @throws INVALID_ARGUMENT, UNIMPLEMENTED */
export function parseFilter(filter: wire.Filter | undefined): readonly Condition[] {
  const parts = filter ? unique(conjuncts(filter)) : [];
  const operators = parts.map(part => part.fieldFilter?.op);
  if (operators.filter(op => op === 'ARRAY_CONTAINS').length > 1) {
    invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.");
  }
  const disjunctions = parts.reduce((product, part) => product * alternatives(part), 1);
  if (disjunctions > MAX_DISJUNCTIONS) {
    invalid(
      `Too many disjunctions after normalization: ${disjunctions}, the maximum is ${MAX_DISJUNCTIONS}.`,
    );
  }
  return parts.map(part =>
    part.fieldFilter ? parseFieldFilter(part.fieldFilter) : parseUnaryFilter(part.unaryFilter),
  );
}

export function parseQueryField(reference: wire.FieldReference | undefined): QueryField {
  const path: FieldPath = parseFieldPath(reference?.fieldPath);
  if (reference?.fieldPath === NAME_PATH) {
    return {
      path: NAME_PATH,
      valueIn: ({ name }) => ({ valueType: 'referenceValue', referenceValue: name }),
    };
  }
  return { path: path.join('.'), valueIn: ({ fields }) => fieldAt(fields, path) };
}

function conjuncts(filter: wire.Filter): readonly wire.Filter[] {
  if (!filter.compositeFilter) return [filter];
  const { op, filters } = filter.compositeFilter;
  if (op !== 'AND') unsupported(`the composite filter ${op ?? 'without an operator'}`);
  return filters.flatMap(conjuncts);
}

/** What is asked twice counts once. */
function unique(filters: readonly wire.Filter[]): readonly wire.Filter[] {
  return filters.filter((one, index) => filters.findIndex(other => isDeepStrictEqual(one, other)) === index);
}

function alternatives({ fieldFilter }: wire.Filter): number {
  const { op, value } = fieldFilter ?? {};
  return op === 'IN' && value?.valueType === 'arrayValue' ? value.arrayValue.values.length : 1;
}

function parseFieldFilter(filter: NonNullable<wire.Filter['fieldFilter']>): Condition {
  const field = parseQueryField(filter.field);
  const operand = parseOperand(filter);
  const condition = toCondition(field, filter.op, operand);
  if (field.path === NAME_PATH) checkNameOperand(filter.op, operand);
  return condition;
}

/** Each element of IN's list is a value of its own, and so may be a list. */
function parseOperand({ op, value }: NonNullable<wire.Filter['fieldFilter']>): wire.Value {
  const isList = op === 'IN' && value?.valueType === 'arrayValue';
  return isList ? arrayValue(value.arrayValue.values.map(parseValue)) : parseValue(value);
}

function toCondition(field: QueryField, op: string | undefined, operand: wire.Value): Condition {
  const range = (inRange: (order: number) => boolean): Condition => ({
    field,
    // A range that ends at null or NaN has at most that one value in it, and no order.
    isInequality: !isNull(operand) && !isNaNValue(operand),
    accepts: value =>
      sameRank(value, operand) &&
      isNaNValue(value) === isNaNValue(operand) &&
      inRange(compareValues(value, operand)),
  });
  switch (op) {
    case 'EQUAL':
      return { field, isInequality: false, accepts: value => equalValues(value, operand) };
    case 'LESS_THAN':
      return range(order => order < 0);
    case 'LESS_THAN_OR_EQUAL':
      return range(order => order <= 0);
    case 'GREATER_THAN':
      return range(order => order > 0);
    case 'GREATER_THAN_OR_EQUAL':
      return range(order => order >= 0);
    case 'IN': {
      if (operand.valueType !== 'arrayValue') return invalid("'IN' requires an ArrayValue.");
      const { values } = operand.arrayValue;
      if (values.length === 0) invalid("'IN' requires an non-empty ArrayValue.");
      const accepts = (value: wire.Value): boolean =>
        !isNull(value) && values.some(one => equalValues(one, value));
      return { field, isInequality: false, accepts };
    }
    case 'ARRAY_CONTAINS': {
      const accepts = (value: wire.Value): boolean =>
        value.valueType === 'arrayValue' && value.arrayValue.values.some(one => equalValues(one, operand));
      return { field, isInequality: false, accepts };
    }
    case undefined:
    case 'OPERATOR_UNSPECIFIED':
      return invalid('Unknown FieldFilter operator.');
    default:
      return unsupported(`the query operator ${op}`);
  }
}

/** How the client libraries write `== null` and `== NaN`. */
function parseUnaryFilter(filter: wire.Filter['unaryFilter']): Condition {
  if (!filter) return invalid('A filter is empty.');
  const field = parseQueryField(filter.field);
  switch (filter.op) {
    case 'IS_NULL':
      return { field, isInequality: false, accepts: isNull };
    case 'IS_NAN':
      return { field, isInequality: false, accepts: isNaNValue };
    case undefined:
      return invalid('Unknown UnaryFilter operator.');
    default:
      return unsupported(`the query operator ${filter.op}`);
  }
}

function checkNameOperand(op: string | undefined, operand: wire.Value): void {
  const operands = op === 'IN' && operand.valueType === 'arrayValue' ? operand.arrayValue.values : [operand];
  if (operands.some(value => value.valueType !== 'referenceValue')) {
    invalid(`${NAME_PATH} filter value must be a document reference.`);
  }
}
