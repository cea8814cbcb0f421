// Documents of a collection, a page at a time, by queries that need no index but those that Firestore makes by itself. A
// position is a text that can be kept: whoever comes next goes on behind it, whatever has become of the documents there.
import { FieldPath, Timestamp, type CollectionReference, type Query } from '@google-cloud/firestore';
import { z } from 'zod';

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; undefined behind the last. */
  readonly next: string | undefined;
}

const momentPosition = z.object({
  field: z.int().nonnegative(),
  behind: z.tuple([z.int(), z.int(), z.string()]).optional(),
});

/**
 * The ids of documents with a moment that is not after `until`, in any of these fields: those of one field from the oldest on, then
 * those of the next. A document with several of the fields comes several times.
 */
export async function pageByMoment(
  collection: CollectionReference,
  fields: readonly string[],
  until: number,
  position: string | undefined,
  size: number,
): Promise<Page<string>> {
  const { field: at, behind } = momentPositionOf(position);
  const field = fields[at];
  if (field === undefined) return { items: [], next: undefined };
  const query = collection
    .where(field, '<=', Timestamp.fromMillis(Math.max(0, until)))
    .orderBy(field)
    .orderBy(FieldPath.documentId())
    .select(field)
    .limit(size);
  const { docs } = await (
    behind === undefined ? query : query.startAfter(new Timestamp(behind[0], behind[1]), behind[2])
  ).get();
  const items = docs.map(({ id }) => id);
  const last = docs.at(-1);
  if (docs.length === size && last !== undefined) {
    const moment = z.instanceof(Timestamp).parse(last.get(field));
    return {
      items,
      next: JSON.stringify({ field: at, behind: [moment.seconds, moment.nanoseconds, last.id] }),
    };
  }
  return { items, next: at + 1 < fields.length ? JSON.stringify({ field: at + 1 }) : undefined };
}

/** The beginning, where none is given, or one that other code has noted. */
function momentPositionOf(position = ''): z.infer<typeof momentPosition> {
  try {
    return momentPosition.parse(JSON.parse(position));
  } catch {
    return { field: 0 };
  }
}

/** Documents of a query without an order, in that of their ids. */
export async function pageByName(query: Query, position: string | undefined, size: number) {
  const ordered = query.orderBy(FieldPath.documentId()).limit(size);
  const snapshot = await (position === undefined ? ordered : ordered.startAfter(position)).get();
  const { docs, readTime } = snapshot;
  const next = docs.length === size ? docs.at(-1)?.id : undefined;
  return { items: docs, next, readTime: readTime.toMillis() };
}
