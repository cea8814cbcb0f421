// How much a realisation will fetch, as the substituters say it before they are asked for anything.
import type { StorePath } from '#core/store-path.ts';
import type { Nix } from './nix.ts';
import { runNix } from './run-nix.ts';

/**
 * Bytes, unpacked, that are surely fetched for `paths` and all that these need at run time: never more than that. What
 * is here already is not counted, nor what no substituter has: to build that, paths are fetched that the image may not
 * need. So Nix is asked for outputs, which it can only fetch, and not for derivations. Nothing is fetched or built; where
 * all is here no substituter is asked either, and this takes as long as the start of one Nix process. A substituter that
 * does not answer has nothing: whether that is an error, the realisation says.
 */
export async function bytesToFetch(
  nix: Nix,
  paths: readonly StorePath[],
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  if (paths.length === 0) return 0;
  let bytes = 0;
  const onLine = (line: string): void => void (bytes += parseBytesToFetch(line) ?? 0);
  await runNix(nix, 'nix-store', ['--realise', '--dry-run', ...new Set(paths)], { signal, onLine });
  return bytes;
}

/** `this path will be fetched (…)`, `these 3 paths will be fetched (1.20 MiB download, 5.40 MiB unpacked):` */
const FETCHED =
  /\bwill be fetched \(.*, (?<number>\d+(?:\.(?<fraction>\d+))?) (?<unit>[KMGTP]?i?B) unpacked\)/;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/**
 * The least number of bytes that a line of Nix may mean, undefined where it says nothing of it. Nix up to 2.26 counts in
 * MiB, with two digits behind the point; later ones choose the unit, and have one.
 */
export function parseBytesToFetch(line: string): number | undefined {
  const { number, fraction = '', unit = '' } = FETCHED.exec(line)?.groups ?? {};
  const power = UNITS.indexOf(unit);
  if (number === undefined || power < 0) return undefined;
  const rounding = 0.5 / 10 ** fraction.length;
  return Math.max(0, Math.ceil((Number(number) - rounding) * 1024 ** power));
}
