import { fail, status } from '#local/grpc-server.ts';
import type { PageRequest } from './wire.ts';

const largestPage = 1000;

/**
 * One page of a list, by name; the token is the last name of the page before.
 * @throws RpcError INVALID_ARGUMENT
 */
export function pageOf<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  { pageSize, pageToken }: PageRequest,
): { items: T[]; nextPageToken: string } {
  if (pageSize < 0) fail(status.INVALID_ARGUMENT, 'page_size cannot be negative.');
  const size = Math.min(pageSize === 0 ? largestPage : pageSize, largestPage);
  const rest = items
    .filter(item => nameOf(item) > pageToken)
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return { items: page, nextPageToken: rest.length > size && last !== undefined ? nameOf(last) : '' };
}
