// A query over one collection: filter, order, cursors, offset, limit.
import { fail, status } from '#local/grpc-server.ts';
import { invalid, unsupported } from './errors.ts';
import { NAME_PATH } from './field-paths.ts';
import { parseValue } from './fields.ts';
import { parseFilter, parseQueryField, type Condition, type QueryField } from './filters.ts';
import { collectionUnder, parseParentName, type CollectionName } from './names.ts';
import { compareValues } from './values.ts';
import type { StoredDocument } from './version.ts';
import type * as wire from './wire.ts';

export interface Query {
  readonly collection: CollectionName;
  /** The results, in order, of all `documents` of the collection. */
  run(documents: Iterable<StoredDocument>): readonly StoredDocument[];
}

interface SortOrder {
  readonly field: QueryField;
  readonly descending: boolean;
}

/** A document with the values that it is sorted by. */
interface Candidate {
  readonly document: StoredDocument;
  readonly key: readonly wire.Value[];
}

/** @throws INVALID_ARGUMENT, UNIMPLEMENTED */
export function parseQuery(parent: string | undefined, query: wire.StructuredQuery | undefined): Query {
  if (!query) return unsupported('queries other than a structured query');
  if (query.findNearest) unsupported('findNearest');
  const collection = parseCollection(parent, query);
  const conditions = parseFilter(query.where);
  const orders = parseOrders(query.orderBy, conditions);
  const explicit = orders.slice(0, query.orderBy.length);
  const startsAt = parseCursor(query.startAt, explicit);
  const endsBefore = parseCursor(query.endAt, explicit);
  const offset = parseCount(query.offset, 'offset');
  const limit = query.limit ? parseCount(query.limit.value, 'limit') : Infinity;
  refuseKeyScan(orders, conditions);
  const run = (documents: Iterable<StoredDocument>): readonly StoredDocument[] => {
    const candidates: Candidate[] = [];
    for (const document of documents) {
      const key = accepted(document, conditions) ? keyOf(document, orders) : undefined;
      if (!key) continue;
      if (startsAt && startsAt(key) < 0) continue;
      if (endsBefore && endsBefore(key) >= 0) continue;
      candidates.push({ document, key });
    }
    candidates.sort((a, b) => compareKeys(a.key, b.key, orders));
    return candidates.slice(offset, offset + limit).map(({ document }) => document);
  };
  return { collection, run };
}

function parseCollection(parent: string | undefined, { from }: wire.StructuredQuery): CollectionName {
  const name = parseParentName(parent);
  const [selector, ...more] = from;
  if (more.length > 0) invalid('StructuredQuery.from cannot have more than one collection selector.');
  if (!selector?.collectionId) return unsupported('queries over all collections');
  if (selector.allDescendants) unsupported('collection group queries');
  return collectionUnder(name, selector.collectionId);
}

/**
 * What is asked for, then the fields of inequalities, then the name, so that the order is always total. What is
 * implied goes in the direction of the last that was asked for (google.firestore.v1.StructuredQuery.order_by).
 */
function parseOrders(orderBy: readonly wire.Order[], conditions: readonly Condition[]): readonly SortOrder[] {
  const orders = orderBy.map(order => ({
    field: parseQueryField(order.field),
    descending: order.direction === 'DESCENDING',
  }));
  const paths = orders.map(({ field }) => field.path);
  const repeated = paths.find((path, index) => paths.indexOf(path) !== index);
  if (repeated !== undefined) invalid(`order by clause cannot contain duplicate fields ${repeated}`);
  if (paths.includes(NAME_PATH) && paths.at(-1) !== NAME_PATH) {
    invalid('order by clause cannot contain more fields after the key');
  }
  const descending = orders.at(-1)?.descending ?? false;
  const implied = conditions
    .filter(({ isInequality }) => isInequality)
    .map(({ field }) => field)
    .filter(field => !paths.includes(field.path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  if (paths.includes(NAME_PATH) && implied.length > 0) {
    invalid('order by clause cannot contain more fields after the key');
  }
  for (const field of [...implied, parseQueryField({ fieldPath: NAME_PATH })]) {
    if (!orders.some(order => order.field.path === field.path)) orders.push({ field, descending });
  }
  return orders;
}

/** Without an index of its own, Firestore cannot go through a collection's names backwards. */
function refuseKeyScan([first]: readonly SortOrder[], conditions: readonly Condition[]): void {
  const backwards = first?.field.path === NAME_PATH && first.descending;
  if (backwards && conditions.every(({ field }) => field.path === NAME_PATH)) {
    fail(status.FAILED_PRECONDITION, 'Firestore does not support descending key scans');
  }
}

/** Where a key lies relative to the cursor: negative before, positive behind. Never zero: it lies between results. */
type Position = (key: readonly wire.Value[]) => number;

function parseCursor(cursor: wire.Cursor | undefined, orders: readonly SortOrder[]): Position | undefined {
  if (!cursor) return undefined;
  const values = cursor.values.map(parseValue);
  if (values.length > orders.length) invalid('Cursor has too many values.');
  const misplaced = orders.some(({ field }, index) => {
    const value = values[index];
    return field.path === NAME_PATH && value !== undefined && value.valueType !== 'referenceValue';
  });
  if (misplaced) invalid(`Cursor ${NAME_PATH} value is not a document reference.`);
  const onEqual = cursor.before === true ? 1 : -1;
  return key => compareKeys(key, values, orders) || onEqual;
}

function parseCount(count: number | undefined, what: string): number {
  return count !== undefined && count < 0 ? invalid(`${what} is negative`) : (count ?? 0);
}

function accepted(document: StoredDocument, conditions: readonly Condition[]): boolean {
  return conditions.every(condition => {
    const value = condition.field.valueIn(document);
    return value !== undefined && condition.accepts(value);
  });
}

/** A document without one of the fields is in no result. */
function keyOf(document: StoredDocument, orders: readonly SortOrder[]): readonly wire.Value[] | undefined {
  const key = orders.map(({ field }) => field.valueIn(document));
  return key.every(value => value !== undefined) ? key : undefined;
}

/** `other` may be a cursor's, which is only the beginning of a key. */
function compareKeys(
  key: readonly wire.Value[],
  other: readonly wire.Value[],
  orders: readonly SortOrder[],
): number {
  for (const [index, { descending }] of orders.entries()) {
    const [a, b] = [key[index], other[index]];
    if (a === undefined || b === undefined) return 0;
    const order = compareValues(a, b);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}
