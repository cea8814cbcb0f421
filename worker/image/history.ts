// What an image's history says of a layer: the store paths that are in it.
import { storePathName, type StorePath } from '#core/store-path.ts';

/** Paths that are named one by one: the history of 120 layers stays well below the 4 MiB that clients take as a config. */
const NAMED = 50;

/**
 * `perl-5.36.0 and 2 more: /nix/store/… /nix/store/… /nix/store/…`. `docker history` shows the beginning: there is the name
 * of the first path. Of very many paths only the first are named, and how many more there are.
 */
export function describePaths(paths: readonly StorePath[]): string {
  const [first] = paths;
  if (first === undefined) return 'nothing';
  return `${storePathName(first)}${andMore(paths.length - 1)}: ${namedPaths(paths)}`;
}

/** The same of the layer of links. */
export function describeLinks(paths: readonly StorePath[]): string {
  return `the root, with links into: ${namedPaths(paths)}`;
}

function namedPaths(paths: readonly StorePath[]): string {
  return `${paths.slice(0, NAMED).join(' ')}${andMore(paths.length - NAMED)}`;
}

function andMore(count: number): string {
  // By hand: the bytes of an image must not hang on what a runtime takes for English.
  return count > 0 ? ` and ${String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')} more` : '';
}
