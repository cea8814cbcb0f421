// The bundled package set, ready to be imported: the expressions of nix/debian and the Debian packages that they name.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import { openApt, type Apt, type DebianArchitecture } from './debian/apt.ts';
import { copyExpressions, expressionsDiffer, hashPackageSet } from './debian/package-set.ts';
import { removeAbandoned, temporaryBeside } from './debian/temporary-folder.ts';

export interface DebianPackagesOptions {
  /** Where the set is to be. Created where it is missing; replaced where it is another one or not complete. */
  readonly folder: string;
  readonly architecture: DebianArchitecture;
  /** Called with a line for people where something takes its time. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export interface DebianPackageSet {
  /** `import <folder> { system = …; }` is the set. */
  readonly folder: string;
  /** SHA-256 in hexadecimal of all that the set is made of: the same packages have the same revision. */
  readonly revision: string;
}

const EXPRESSIONS = fileURLToPath(new URL('../../nix/debian', import.meta.url));

const NIX_SYSTEMS = { amd64: 'x86_64-linux', arm64: 'aarch64-linux' } as const;

/**
 * Fetches the packages from the machine's own Debian sources, whoever runs it, unless a complete set is there already.
 * The folder appears at once or not at all. Throws a {@link StartError} where the sources are not Debian 12's, or
 * where apt fails.
 */
export async function fetchDebianPackages(options: DebianPackagesOptions): Promise<DebianPackageSet> {
  const { folder, architecture, onProgress, signal } = options;
  const present = await presentRevision(folder, architecture);
  if (present !== undefined) return { folder, revision: present };

  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned(folder);
  const temporary = temporaryBeside(folder);
  try {
    await copyExpressions(EXPRESSIONS, temporary);
    const names = await debianNames(temporary, architecture);
    const debs = join(temporary, 'debs', architecture);
    await mkdir(debs, { recursive: true });
    await withApt(join(temporary, 'apt'), architecture, signal, async apt => {
      onProgress?.(`Fetching ${names.length} Debian packages from ${apt.hosts.join(' and ')}`);
      await apt.download(names, debs);
    });
    const revision = await hashPackageSet(temporary);
    await writeFile(join(temporary, 'revision'), `${revision}\n`);
    await replaceFolder(temporary, folder);
    return { folder, revision };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The revision of a set that is complete, is of this version's expressions, and has packages of the architecture. */
async function presentRevision(
  folder: string,
  architecture: DebianArchitecture,
): Promise<string | undefined> {
  let recorded: string;
  try {
    recorded = (await readFile(join(folder, 'revision'), 'utf8')).trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const packages = join(folder, 'debs', architecture);
  if (await expressionsDiffer(EXPRESSIONS, folder)) return undefined;
  const actual = await hashPackageSet(folder, packages).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  return actual === recorded ? recorded : undefined;
}

/** The names of the Debian packages that the expressions use. */
async function debianNames(folder: string, architecture: DebianArchitecture): Promise<string[]> {
  const flags = ['--eval', '--strict', '--json', '--option', 'store', 'dummy://'];
  const args = [...flags, join(folder, 'deb-names.nix'), '--argstr', 'system', NIX_SYSTEMS[architecture]];
  const { stdout } = await execa('nix-instantiate', args, { env: { NIX_CONFIG: '' } });
  return z.array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/)).parse(JSON.parse(stdout));
}

async function withApt(
  folder: string,
  architecture: DebianArchitecture,
  signal: AbortSignal | undefined,
  use: (apt: Apt) => Promise<void>,
): Promise<void> {
  try {
    await use(await openApt({ folder, architecture, signal }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
