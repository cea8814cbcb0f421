// The Range header of a download (RFC 9110, 14.2).

/** The part of a file to send, `end` exclusive. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * The part that a Range header asks for; `whole` where there is none, or one that a server may ignore (another unit,
 * several ranges, bad syntax); `unsatisfiable` where nothing of it is in the file.
 */
export function parseRange(header: string | undefined, size: number): Part | 'whole' | 'unsatisfiable' {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'whole';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}
