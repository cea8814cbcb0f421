// The Content-Range of a request to a resumable upload
// (https://cloud.google.com/storage/docs/performing-resumable-uploads).
import { invalid } from './errors.ts';

/** What a request to a resumable upload brings. */
export interface ContentRange {
  /** Where the bytes of the body begin; undefined where there are none, and the request only asks how far it got. */
  readonly start?: number;
  /** The length of the body, where it is said. */
  readonly length?: number;
  /** The size of the object, where it is known already; `end of body`: the object ends with this request. */
  readonly total?: number | 'end of body';
}

/** Chunks other than the last are made of whole pieces of this many bytes. */
const PIECE = 256 << 10;

// Parses `bytes 0-99/200`, `bytes 0-99/*`, `bytes 100-*/*`, `bytes */200`, `bytes */*`, or no header: all in one request.
export function parseContentRange(header: string | undefined): ContentRange {
  if (header === undefined) return { start: 0, total: 'end of body' };
  const refuse = (why: string) => invalid(`Invalid Content-Range: ${header} (${why})`);
  const [, first, last, size] = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/.exec(header) ?? [];
  if (size === undefined) throw refuse('not of the form "bytes FIRST-LAST/TOTAL"');
  const total = size === '*' ? undefined : Number(size);
  if (first === undefined || last === undefined) return total === undefined ? {} : { total };
  const start = Number(first);
  if (last === '*') return { start, total: total ?? 'end of body' };
  const end = Number(last) + 1;
  if (end <= start || (total !== undefined && end > total)) throw refuse('it ends before it begins');
  if (end !== total && (end - start) % PIECE !== 0) {
    throw refuse(`a chunk that is not the last must be a multiple of ${PIECE} bytes`);
  }
  return { start, length: end - start, ...(total !== undefined && { total }) };
}
