// The package.json and the package-lock.json of a deployable, out of the project's own: what is installed for it is, file for file,
// what was tested.
import { z } from 'zod';
import { BuildError } from './build-error.ts';

const packageSchema = z.looseObject({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});

/** The project's package-lock.json, as far as it is read here. */
export const lockSchema = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(z.string(), z.looseObject({})),
});
export type Lock = z.infer<typeof lockSchema>;

export interface PinnedPackages {
  /** Of package.json, what the lock has too. */
  readonly manifest: object;
  readonly lockfile: object;
}

/**
 * `packages` at the versions that `lock` has, with all that they need, for a package of that description. Throws a
 * {@link BuildError} where the lock has not all of it.
 */
export function pinPackages(
  lock: Lock,
  packages: readonly string[],
  description: { readonly name: string; readonly version: string; readonly engines: object },
): PinnedPackages {
  const places = placesOf(lock, packages);
  const dependencies = Object.fromEntries(
    packages.map(name => [name, packageAt(lock, `node_modules/${name}`).version]),
  );
  const manifest = { ...description, ...(packages.length > 0 && { dependencies }) };
  const { name, version } = description;
  const installed = Object.fromEntries(places.map(place => [place, entryAt(lock, place)]));
  return {
    manifest,
    lockfile: {
      name,
      version,
      lockfileVersion: lock.lockfileVersion,
      requires: true,
      packages: { '': manifest, ...installed },
    },
  };
}

/** Where in node_modules lies what `packages` need, themselves included; in order. */
function placesOf(lock: Lock, packages: readonly string[]): string[] {
  const found = new Set<string>();
  const look = (name: string, from: string, isOptional: boolean): void => {
    const place = placeOf(lock, name, from);
    if (place === undefined) {
      // npm leaves out of the lock what is for no machine of ours.
      if (isOptional) return;
      throw new BuildError(`package-lock.json has no ${name}: run npm install first`);
    }
    if (found.has(place)) return;
    found.add(place);
    const { dependencies = {}, optionalDependencies = {} } = packageAt(lock, place);
    for (const needed of Object.keys(dependencies)) look(needed, place, needed in optionalDependencies);
    for (const needed of Object.keys(optionalDependencies)) look(needed, place, true);
  };
  for (const name of packages) look(name, '', false);
  return [...found].toSorted();
}

/** Where Node finds `name` that is imported `from` there: in the nearest node_modules that has it. */
function placeOf(lock: Lock, name: string, from: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (place in lock.packages) return place;
    if (folder === '') return undefined;
  }
}

function packageAt(lock: Lock, place: string): z.infer<typeof packageSchema> {
  const entry = lock.packages[place];
  if (entry === undefined) throw new BuildError(`package-lock.json has no ${place}: run npm install first`);
  return packageSchema.parse(entry);
}

/**
 * Without the roles that it has in the project alone, and without the address that it was fetched from; and of packages for other
 * machines only those that the lock has: `npm ci`, which Google's builds run, refuses a lock that names one and does not have it.
 */
function entryAt(lock: Lock, place: string): object {
  const {
    dev: _dev,
    devOptional: _devOptional,
    peer: _peer,
    resolved: _resolved,
    ...entry
  } = lock.packages[place] ?? {};
  const { optionalDependencies } = packageAt(lock, place);
  if (optionalDependencies === undefined) return entry;
  const there = Object.entries(optionalDependencies).filter(
    ([name]) => placeOf(lock, name, place) !== undefined,
  );
  return { ...entry, optionalDependencies: Object.fromEntries(there) };
}
