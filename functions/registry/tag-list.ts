// `GET|HEAD /v2/<name>/tags/list` (distribution-spec, "Listing Tags"). Every name has the same tags: those of the deployment.
import { RegistryError } from '#core/errors.ts';
import { parseImageName, type Offer } from '#core/image-request.ts';
import type { RepositoryName, Tag } from '#core/reference.ts';
import { warning, type Answer } from './answer.ts';
import type { ReadKnownTags } from './known-tags.ts';
import { queryOf } from './target.ts';

export interface TagListParts {
  readonly offer: Offer;
  readonly readKnownTags: ReadKnownTags;
}

/** Tags in one answer. */
const PAGE_LIMIT = 1000;

/** The tags that can be listed, a page at a time; a Warning says what is missing. Throws where the name is no image's. */
export async function tagList(
  { offer, readKnownTags }: TagListParts,
  name: RepositoryName,
  target: string,
): Promise<Answer> {
  parseImageName(name, offer);
  const page = parsePage(queryOf(target));
  const { tags, missing } = await readKnownTags();
  const start = tags.findIndex(tag => tag > page.last);
  const listed = start < 0 ? [] : tags.slice(start, start + page.size);
  const last = listed.at(-1);
  const isLast = last === undefined || last === tags.at(-1);
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-transform',
      ...(!isLast && { link: `<${nextPage(target, page.size, last)}>; rel="next"` }),
      ...(missing.length > 0 && { warning: warning(missing.join('; ')) }),
    },
    body: JSON.stringify({ name, tags: listed }),
  };
}

function parsePage(query: URLSearchParams): { size: number; last: string } {
  const size = query.get('n') ?? String(PAGE_LIMIT);
  if (!/^\d{1,9}$/.test(size)) throw new RegistryError(400, 'UNSUPPORTED', '"n" is how many tags to list');
  return { size: Math.min(Number(size), PAGE_LIMIT), last: query.get('last') ?? '' };
}

/** Relative: TLS may end before us, so our own idea of the address could be wrong. */
function nextPage(target: string, size: number, last: Tag): string {
  const [path = ''] = target.split('?', 1);
  const query = queryOf(target);
  query.set('n', String(size));
  query.set('last', last);
  return `${path}?${query.toString()}`;
}
