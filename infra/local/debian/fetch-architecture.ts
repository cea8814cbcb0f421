// The Debian packages of one architecture: which they are, which are at hand already, and the others fetched.
import { link, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { isMissing } from '../is-missing.ts';
import { openApt, type DebFile } from './apt.ts';
import type { AptSource } from './apt-sources.ts';
import { NIX_SYSTEMS, type DebianArchitecture } from './architecture.ts';
import { debsFolder, hashFile } from './package-set.ts';

export interface FetchArchitectureOptions {
  readonly architecture: DebianArchitecture;
  /** The set to fetch for: its expressions are there, and its packages will be. */
  readonly set: string;
  /** A set on the same file system, whose packages are used where they are still the ones to have. */
  readonly previous: string;
  readonly onProgress: ((line: string) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  /** The sources that may be Debian's; those of the machine. */
  readonly candidates?: () => Promise<AptSource[]>;
}

/**
 * Puts one .deb file for each Debian package that the set's expressions name into the set's folder for the
 * architecture, which is there only if all are. Throws a {@link StartError} where apt fails.
 */
export async function fetchArchitecture(options: FetchArchitectureOptions): Promise<void> {
  const { architecture, set, previous, onProgress, signal, candidates } = options;
  signal?.throwIfAborted();
  const names = await debianNames(set, architecture);
  const debs = debsFolder(set, architecture);
  const state = join(set, `apt-${architecture}`);
  await mkdir(debs, { recursive: true });
  try {
    const apt = await openApt({ folder: state, architecture, signal, ...(candidates && { candidates }) });
    const wanted = await apt.locate(names);
    const missing = await linkPresent(wanted, debsFolder(previous, architecture), debs);
    if (missing.length === 0) return;
    const what = missing.length === wanted.length ? wanted.length : `${missing.length} of ${wanted.length}`;
    const hosts = apt.hosts.join(' and ');
    onProgress?.(
      `Fetching ${what} Debian packages for ${architecture} from ${hosts} (${megabytes(missing)} MB)`,
    );
    await apt.download(missing, debs);
  } catch (error) {
    await rm(debs, { recursive: true });
    throw error;
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

/** The names of the Debian packages that the expressions use. */
async function debianNames(set: string, architecture: DebianArchitecture): Promise<string[]> {
  const flags = ['--eval', '--strict', '--json', '--option', 'store', 'dummy://'];
  const args = [...flags, join(set, 'deb-names.nix'), '--argstr', 'system', NIX_SYSTEMS[architecture]];
  const { stdout } = await execa('nix-instantiate', args, { env: { NIX_CONFIG: '' } });
  return z.array(z.string().regex(/^[a-z0-9][a-z0-9.+-]+$/)).parse(JSON.parse(stdout));
}

/** Gives the files that are in `from`, and what Debian has signed, a second name in `to`. Hands back the others. */
async function linkPresent(wanted: readonly DebFile[], from: string, to: string): Promise<DebFile[]> {
  const missing: DebFile[] = [];
  for (const deb of wanted) {
    const present = join(from, deb.file);
    if (await hasHash(present, deb.sha256)) await link(present, join(to, deb.file));
    else missing.push(deb);
  }
  return missing;
}

async function hasHash(file: string, sha256: string): Promise<boolean> {
  try {
    return (await hashFile(file)) === sha256;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function megabytes(debs: readonly DebFile[]): number {
  return Math.ceil(debs.reduce((sum, { size }) => sum + size, 0) / 1e6);
}
