// How far a realisation is, from the lines that nix-store prints.

const PLANNED_ONE = /^this (?:derivation will be built|path will be fetched)\b/;
const PLANNED_MANY = /^these (?<count>\d+) (?:derivations will be built|paths will be fetched)\b/;
const BEGUN = /^(?:building '.+\.drv'|copying path '.+' from )/;

const BUILDING = /^building '(?<drv>.+\.drv)'/;

/** The derivation whose builder a line says is begun, if it says that. */
export function builderBegun(line: string): string | undefined {
  return BUILDING.exec(line)?.groups?.['drv'];
}

/**
 * Takes lines and reports how many derivations or paths were begun, of how many. Nix plans again where it learns more
 * on the way; then the sum grows.
 */
export function createProgressReader(onProgress: (done: number, of: number) => void): (line: string) => void {
  let planned = 0;
  let begun = 0;
  return line => {
    if (BEGUN.test(line)) {
      begun += 1;
    } else if (PLANNED_ONE.test(line)) {
      planned += 1;
    } else {
      const count = PLANNED_MANY.exec(line)?.groups?.['count'];
      if (count === undefined) return;
      planned += Number(count);
    }
    onProgress(begun, Math.max(planned, begun));
  };
}
