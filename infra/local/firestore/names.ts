// Resource names: projects/{project}/databases/{database}/documents/{collection}/{id}/…
// Rules: https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
import { invalid, unsupported } from './errors.ts';

declare const brand: unique symbol;
/** A checked name of a database. */
export type DatabaseName = string & { readonly [brand]: 'database' };
/** A checked name of a document. */
export type DocumentName = string & { readonly [brand]: 'document' };
/** A checked name of a collection, from `projects/` on. */
export type CollectionName = string & { readonly [brand]: 'collection' };
/** What collections hang on: a document, or a database's root (`…/documents`). */
export type ParentName = string & { readonly [brand]: 'document' | 'root' };

const ROOT = /^projects\/[^/]+\/databases\/[^/]+\/documents(?=\/|$)/;
const MAX_ID_BYTES = 1500;
/** projects, the project, databases, the database, documents. */
const ROOT_SEGMENTS = 5;

/** @throws INVALID_ARGUMENT for anything that cannot name a document */
export function parseDocumentName(raw: string | undefined): DocumentName {
  const ids = idsBelowRoot(raw, 'Document');
  if (ids.length === 0 || ids.length % 2 === 1) invalid(`Document name "${raw}" does not name a document.`);
  return raw as DocumentName;
}

/** @throws INVALID_ARGUMENT for anything that is neither a document nor the root of a database */
export function parseParentName(raw: string | undefined): ParentName {
  if (idsBelowRoot(raw, 'Document parent').length % 2 === 1) {
    invalid(`Document parent name "${raw}" names a collection.`);
  }
  return raw as ParentName;
}

/** @throws INVALID_ARGUMENT for anything but projects/{project}/databases/{database} */
export function parseDatabaseName(raw: string | undefined): DatabaseName {
  if (raw === undefined || !/^projects\/[^/]+\/databases\/[^/]+$/.test(raw)) {
    return invalid(`Database name "${raw ?? ''}" is not projects/{project}/databases/{database}.`);
  }
  return raw as DatabaseName;
}

/** The document's name, when it is in the request's database, as Google demands. */
export function parseDocumentNameIn(database: DatabaseName, raw: string | undefined): DocumentName {
  const name = parseDocumentName(raw);
  return name.startsWith(`${database}/documents/`)
    ? name
    : invalid(`Document "${name}" is not in the database "${database}".`);
}

export function collectionUnder(parent: ParentName, collectionId: string): CollectionName {
  checkId(collectionId, 'Collection');
  if (collectionId.includes('/')) {
    invalid(`Collection id "${collectionId}" is invalid because it contains "/".`);
  }
  return `${parent}/${collectionId}` as CollectionName;
}

export function collectionOf(name: DocumentName): CollectionName {
  return name.slice(0, name.lastIndexOf('/')) as CollectionName;
}

/** Path by path, each by its UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (const [index, id] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareUtf8(id, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

export function compareUtf8(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What a name counts towards a document's size: https://firebase.google.com/docs/firestore/storage-size */
export function nameSize(name: string): number {
  const ids = name.split('/').slice(ROOT_SEGMENTS);
  return ids.reduce((size, id) => size + Buffer.byteLength(id) + 1, 16);
}

function idsBelowRoot(raw: string | undefined, what: string): readonly string[] {
  const root = ROOT.exec(raw ?? '')?.[0];
  if (raw === undefined || root === undefined) {
    return invalid(`${what} name "${raw ?? ''}" lacks projects/{project}/databases/{database}/documents.`);
  }
  const ids = raw.split('/').slice(ROOT_SEGMENTS);
  for (const [index, id] of ids.entries()) checkId(id, index % 2 === 0 ? 'Collection' : 'Resource');
  return ids;
}

function checkId(id: string, what: string): void {
  if (id === '') invalid(`${what} id is empty.`);
  if (id === '.' || id === '..') invalid(`${what} id "${id}" is invalid.`);
  if (/^__id-?\d+__$/.test(id)) unsupported(`numeric ids such as "${id}"`);
  if (/^__.*__$/s.test(id)) invalid(`${what} id "${id}" is invalid because it is reserved.`);
  if (Buffer.byteLength(id) > MAX_ID_BYTES) invalid(`${what} id is longer than ${MAX_ID_BYTES} bytes.`);
}
