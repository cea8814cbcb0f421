// ListDocuments and ListCollectionIds, page by page.
import { invalid, unsupported } from './errors.ts';
import { collectionUnder, compareNames, parseParentName, type DocumentName } from './names.ts';
import type { Micros } from './clock.ts';
import type { DocumentStore } from './store.ts';
import type { StoredDocument } from './version.ts';
import type * as wire from './wire.ts';

const DEFAULT_PAGE_SIZE = 300;

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty after the last page. */
  readonly nextPageToken: string;
}

/** A document, or (with `show_missing`) only the name of one that is not there but has collections below it. */
export type Listed = StoredDocument | { readonly name: DocumentName; readonly fields?: undefined };

export function listDocuments(
  store: DocumentStore,
  request: wire.ListDocumentsRequest,
  time: Micros,
): Page<Listed> {
  if (request.orderBy && request.showMissing) invalid('cannot specify an order when show_missing is true');
  if (request.orderBy) unsupported('order_by in ListDocuments');
  const parent = parseParentName(request.parent);
  if (!request.collectionId) return unsupported('ListDocuments without a collection');
  const collection = collectionUnder(parent, request.collectionId);
  const listed = new Map<string, Listed>();
  for (const document of store.documentsAt(collection, time)) listed.set(document.name, document);
  if (request.showMissing) {
    for (const below of store.collectionsAt(time)) {
      const id = firstIdBelow(collection, below);
      if (id === undefined) continue;
      const name = `${collection}/${id}` as DocumentName;
      if (!listed.has(name)) listed.set(name, { name });
    }
  }
  return page(
    [...listed.values()].sort((a, b) => compareNames(a.name, b.name)),
    ({ name }) => name,
    request,
  );
}

export function listCollectionIds(
  store: DocumentStore,
  request: wire.ListCollectionIdsRequest,
  time: Micros,
): Page<string> {
  const parent = parseParentName(request.parent);
  const ids = new Set<string>();
  for (const collection of store.collectionsAt(time)) {
    const id = firstIdBelow(parent, collection);
    if (id !== undefined) ids.add(id);
  }
  return page([...ids].sort(compareNames), id => id, request);
}

function firstIdBelow(parent: string, name: string): string | undefined {
  return name.startsWith(`${parent}/`) ? name.slice(parent.length + 1).split('/', 1)[0] : undefined;
}

/** A page's token is the key of its last item, so that what is added or removed meanwhile does not shift the next page. */
function page<T>(
  sorted: readonly T[],
  keyOf: (item: T) => string,
  { pageSize = 0, pageToken = '' }: { readonly pageSize?: number; readonly pageToken?: string },
): Page<T> {
  if (pageSize < 0) invalid('Page size must be nonnegative.');
  const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
  const after = parseToken(pageToken);
  const rest = after === undefined ? sorted : sorted.filter(item => compareNames(keyOf(item), after) > 0);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  const more = rest.length > size && last !== undefined;
  return { items, nextPageToken: more ? toToken(keyOf(last)) : '' };
}

function toToken(key: string): string {
  return Buffer.from(`after:${key}`).toString('base64url');
}

function parseToken(token: string): string | undefined {
  if (token === '') return undefined;
  const [, key] = /^after:(.+)$/s.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  return key ?? invalid('invalid page token');
}
