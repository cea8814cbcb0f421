// The bundled package set, ready to be imported: the expressions of nix/debian and the Debian packages that they name.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARCHITECTURES, type DebianArchitecture } from './debian/architecture.ts';
import { fetchArchitecture } from './debian/fetch-architecture.ts';
import {
  copyExpressions,
  expressionsDiffer,
  hashPackageSet,
  lackingArchitectures,
  recordLacking,
} from './debian/package-set.ts';
import { removeAbandoned, temporaryBeside } from './debian/temporary-folder.ts';
import { isMissing } from './is-missing.ts';
import { StartError } from './start-error.ts';

export interface DebianPackagesOptions {
  /** Where the set is to be. Created where it is missing; replaced where it is another one or not complete. */
  readonly folder: string;
  /** Called with a line for people where something takes its time, or where an architecture is not to be had. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** What fetches one architecture's packages: apt, from the machine's own Debian sources. */
  readonly fetch?: typeof fetchArchitecture;
}

export interface DebianPackageSet {
  /** `import <folder> { system = …; }` is the set. */
  readonly folder: string;
  /** SHA-256 in hexadecimal of all that the set is made of: the same packages have the same revision. */
  readonly revision: string;
}

const EXPRESSIONS = fileURLToPath(new URL('../../nix/debian', import.meta.url));

/**
 * Fetches the packages for all architectures from the machine's own Debian sources, whoever runs it, unless a complete
 * set is there already. The folder appears at once or not at all.
 *
 * An architecture that is not to be had is left out, and whoever asks the set for it is told why; the next call tries
 * again. Throws a {@link StartError} where none is to be had: the sources are not Debian 12's, or apt fails.
 */
export async function fetchDebianPackages(options: DebianPackagesOptions): Promise<DebianPackageSet> {
  const { folder, onProgress } = options;
  const present = await presentSet(folder);
  if (present?.lacking.length === 0) return { folder, revision: present.revision };

  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(folder);
  const temporary = temporaryBeside(folder);
  try {
    await copyExpressions(EXPRESSIONS, temporary);
    const problems = await fetchAll(temporary, options);
    for (const [architecture, { message }] of problems) {
      onProgress?.(`The bundled package set is without ${architecture}: ${message}`);
      await recordLacking(temporary, architecture, message);
    }
    if (problems.size > 0 && present !== undefined) return { folder, revision: present.revision };
    const [problem] = problems.values();
    if (problem !== undefined && problems.size === ARCHITECTURES.length) throw problem;
    const revision = await hashPackageSet(temporary);
    await writeFile(join(temporary, 'revision'), `${revision}\n`);
    await replaceFolder(temporary, folder);
    return { folder, revision };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

interface PresentSet {
  readonly revision: string;
  readonly lacking: readonly DebianArchitecture[];
}

/** The set that is there, if it is of this version's expressions and as it was fetched. */
async function presentSet(folder: string): Promise<PresentSet | undefined> {
  try {
    const recorded = (await readFile(join(folder, 'revision'), 'utf8')).trim();
    if (await expressionsDiffer(EXPRESSIONS, folder)) return undefined;
    if ((await hashPackageSet(folder)) !== recorded) return undefined;
    return { revision: recorded, lacking: await lackingArchitectures(folder) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Fetches all architectures at the same time, and hands back why some are not to be had. */
async function fetchAll(
  into: string,
  { folder, onProgress, signal, fetch = fetchArchitecture }: DebianPackagesOptions,
): Promise<Map<DebianArchitecture, StartError>> {
  const outcomes = await Promise.allSettled(
    ARCHITECTURES.map(architecture =>
      fetch({ architecture, set: into, previous: folder, onProgress, signal }),
    ),
  );
  const problems = new Map<DebianArchitecture, StartError>();
  for (const [index, architecture] of ARCHITECTURES.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status !== 'rejected') continue;
    if (!(outcome.reason instanceof StartError)) throw outcome.reason;
    problems.set(architecture, outcome.reason);
  }
  return problems;
}

/** Directories cannot be exchanged at once: in between there is none, which the next start takes for not fetched. */
async function replaceFolder(temporary: string, folder: string): Promise<void> {
  const old = `${temporary}.old`;
  await rename(folder, old).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  await rename(temporary, folder);
  await rm(old, { recursive: true, force: true });
}
