// The limit on what an image's packages may come to with all that they need, and what is said of those over it.
import type { Closure } from '#core/closure.ts';
import { PermanentError } from '#core/errors.ts';

/**
 * Throws a {@link PermanentError} of kind `over_limit` where the substituters say that the packages of this name will
 * have more than `limit` bytes. `toFetch`: the bytes that are sure, as `bytesToFetch` counts them.
 */
export function requireFetchable(packages: readonly string[], toFetch: number, limit: number): void {
  if (toFetch > limit) throw overLimit(packages, toFetch, limit, 'at least ');
}

/** The same where the closure is here, and what it comes to is known exactly: the sum of its paths' archives. */
export function requireWithinLimit(packages: readonly string[], closure: Closure, limit: number): void {
  const bytes = closure.reduce((sum, { narSize }) => sum + narSize, 0);
  if (bytes > limit) throw overLimit(packages, bytes, limit, '');
}

/**
 * This is no refusal of the package set, which would hold for as long as the source is at this revision: the limit is a
 * setting of the worker, and whoever raises it wants the next pull to try again.
 */
function overLimit(
  packages: readonly string[],
  bytes: number,
  limit: number,
  atLeast: string,
): PermanentError {
  const [first = '', ...more] = packages;
  const [size, allowed] = inSameUnit(bytes, limit);
  const subject = more.length === 0 ? `${first} comes` : `${first} and ${more.length} more come`;
  const object = more.length === 0 ? 'it needs' : 'they need';
  const message = `${subject} to ${atLeast}${size} with all ${object}; the limit here is ${allowed}`;
  return new PermanentError({ kind: 'over_limit', message });
}

const MB = 1e6;

/** A size and a limit below it, with as many digits as show which is larger. */
function inSameUnit(size: number, limit: number): [string, string] {
  const [unit, factor] = limit < 1000 * MB ? ['MB', MB] : ['GB', 1000 * MB];
  const written = (bytes: number, digits: number): string => `${(bytes / factor).toFixed(digits)} ${unit}`;
  let digits = 1;
  while (digits < 9 && written(size, digits) === written(limit, digits)) digits += 1;
  return [written(size, digits), written(limit, digits)];
}
