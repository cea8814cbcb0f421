// Lists a bucket's objects, page by page (https://cloud.google.com/storage/docs/json_api/v1/objects/list).
import { invalid } from './errors.ts';
import type { ObjectRecord } from './database.ts';
import type { Store } from './store.ts';

export interface Page {
  readonly items: readonly ObjectRecord[];
  /** What stands for all names that go on after it, where there is a delimiter. */
  readonly prefixes: readonly string[];
  readonly nextPageToken?: string;
}

/** Google gives at most 1,000 items and prefixes a page. */
const PAGE_SIZE = 1000;

export function listObjects(store: Store, bucket: string, query: URLSearchParams): Page {
  store.bucket(bucket);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const limit = pageSize(query.get('maxResults'));
  const items: ObjectRecord[] = [];
  const prefixes: string[] = [];
  let from: string | undefined =
    parseToken(query.get('pageToken')) ?? later(prefix, query.get('startOffset') ?? '');
  while (from !== undefined) {
    const rows = store.database.objects(bucket, from, Math.min(limit + 1, PAGE_SIZE));
    from = undefined;
    for (const object of rows) {
      const { name } = object;
      if (!name.startsWith(prefix)) return { items, prefixes };
      if (items.length + prefixes.length === limit) {
        return { items, prefixes, nextPageToken: Buffer.from(name).toString('base64') };
      }
      const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
      if (cut >= 0) {
        const common = name.slice(0, cut + delimiter.length);
        prefixes.push(common);
        from = successor(common);
        break;
      }
      items.push(object);
      from = `${name}\0`;
    }
  }
  return { items, prefixes };
}

function pageSize(text: string | null): number {
  if (text === null) return PAGE_SIZE;
  if (!/^[1-9]\d*$/.test(text)) throw invalid(`Invalid value for maxResults: ${text}`);
  return Math.min(Number(text), PAGE_SIZE);
}

/** A token is the name to go on with. */
function parseToken(token: string | null): string | undefined {
  if (token === null || token === '') return undefined;
  const name = Buffer.from(token, 'base64').toString();
  if (Buffer.from(name).toString('base64') !== token) throw invalid(`Invalid page token: ${token}`);
  return name;
}

/** In the order of their bytes in UTF-8. */
function later(one: string, other: string): string {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) > 0 ? one : other;
}

/** The first string after all that begin with `prefix`, in the order of their bytes in UTF-8; undefined for none. */
function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, character => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last < 0x10ffff) {
      // U+D800 to U+DFFF are no characters.
      const next = last + 1 === 0xd800 ? 0xe000 : last + 1;
      return String.fromCodePoint(...points, next);
    }
  }
  return undefined;
}
