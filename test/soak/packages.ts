// The package set of a soak: packages that are built in a moment, of which each version changes some; and the truth about
// every name, to judge answers by.
import type { Random } from '#test/random.ts';

/** Packages that can be built. A package of period 3 is another one at every third version. */
const PERIODS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Array.from({ length: 14 }, (_, index) => [`p${index}`, (index % 5) + 1])),
  /** Its upload is resumable: over 8 MiB, of bytes that do not compress. */
  heavy: 4,
  slow: 2,
};

/** What every package above needs. It never changes. */
const LIBRARY = 'library';

/** It can be built at every other version. */
const MOODY = 'moody';

/** What an image must be, or why there cannot be one. */
export type Expectation =
  | { readonly kind: 'image'; readonly contents: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly status: number; readonly says: string };

/** What a name has to be answered with at a version of the set. */
export function expectationOf(name: string, version: number): Expectation {
  const parts = name.split('/');
  const named = parts.filter(part => part === 'amd64' || part === 'arm64');
  const platforms = named.length > 0 ? named : ['amd64'];
  const packages = parts.filter(part => part !== 'amd64' && part !== 'arm64');

  const unknown = packages.find(each => each.startsWith('nosuch'));
  if (unknown !== undefined)
    return { kind: 'refused', status: 404, says: `"${unknown}" is not in the package set` };
  if (packages.includes('removed'))
    return { kind: 'refused', status: 403, says: 'removed has been taken out of the set' };
  if (packages.includes('failing'))
    return { kind: 'refused', status: 403, says: `failing says why at ${version}` };
  if (packages.includes(MOODY) && isOff(version))
    return { kind: 'refused', status: 403, says: `moody says why at ${version}` };
  const lines = [LIBRARY, ...packages].flatMap(each =>
    platforms.map(platform => [`${platform}/${each}`, lineOf(each, version)]),
  );
  return { kind: 'image', contents: Object.fromEntries(lines) };
}

/** Names to pull, some of which have no image. */
export function namesOf(random: Random): { readonly good: string[]; readonly bad: string[] } {
  const packages = Object.keys(PERIODS);
  const combined = Array.from({ length: 18 }, () => {
    const chosen = random.shuffled(packages).slice(0, 1 + random.below(3));
    return chosen.toSorted().join('/');
  });
  const good = [...packages, ...combined, 'amd64/arm64/p1', 'amd64/arm64/p2/p3', 'moody', 'moody/p4'];
  return {
    good: random.shuffled([...new Set(good)]),
    bad: ['nosuch1', 'nosuch2/p1', 'removed', 'p5/removed', 'failing', 'failing/p6'],
  };
}

/** The text of `default.nix` at a version. */
export function packageSetAt(version: number): string {
  const packages = Object.keys(PERIODS).map(
    name => `${name} = build "${name}" ''${scriptOf(name, version)}'';`,
  );
  return `{ system, ... }:
let
  build = name: script: derivation {
    inherit name system;
    builder = "/bin/bash";
    args = [ "-euc" "PATH=/usr/bin:/bin; \${script}\\n:" ];
  };
in rec {
  ${LIBRARY} = build "${LIBRARY}" ''mkdir $out; echo ${lineOf(LIBRARY, version)} >$out/soak-line'';
  ${packages.join('\n  ')}
  ${MOODY} = build "${MOODY}" ''${isOff(version) ? failing(MOODY, version) : scriptOf(MOODY, version)}'';
  failing = build "failing" ''${failing('failing', version)}'';
  removed = throw "removed has been taken out of the set";
}
`;
}

function isOff(version: number): boolean {
  return version % 2 === 1;
}

/** What a package's file says: the package, and how often it has changed. */
function lineOf(name: string, version: number): string {
  if (name === LIBRARY) return `${name} 0`;
  return `${name} ${Math.floor(version / (PERIODS[name] ?? 1))}`;
}

function scriptOf(name: string, version: number): string {
  const line = lineOf(name, version);
  const more: Readonly<Record<string, string>> = {
    heavy: `head -c 10000000 /dev/zero | ${bytesOf(Math.floor(version / 4))} >$out/bytes`,
    slow: 'sleep 3',
  };
  const size = 20_000 + 1000 * name.length;
  const some = `head -c ${size} /dev/zero | ${bytesOf(name.length)} | base64 >$out/numbers`;
  // "''" would end Nix's string: there is none in these.
  return `mkdir $out; echo ${line} >$out/soak-line; echo \${${LIBRARY}} >$out/needs; ${more[name] ?? some}`;
}

function failing(name: string, version: number): string {
  return `echo a line of the log; echo ${name} says why at ${version} >&2; exit 3`;
}

/** A filter that makes zeros into bytes that do not compress, the same ones for each number. */
function bytesOf(number: number): string {
  return `openssl enc -aes-128-ctr -K ${'0'.repeat(32)} -iv ${String(number).padStart(32, '0')}`;
}
