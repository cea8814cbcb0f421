// What the worker needs of the machine for its package sources: Nix with a store of the instance's own, and packages.
import type { PackageSource } from '#core/package-source.ts';
import { fetchDebianPackages } from './debian-packages.ts';
import { checkNix, nixConfig } from './nix.ts';
import { StartError } from './start-error.ts';
import type { StateFolder } from './state-folder.ts';

/** Debian's names of the processors that Node runs on here. */
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, 'amd64' | 'arm64'>> = {
  x64: 'amd64',
  arm64: 'arm64',
};

/**
 * Prepares the machine for builds, and hands back the worker's part of the environment. Throws a {@link StartError}
 * where Nix cannot build here or packages cannot be had.
 */
export async function prepareWorker(
  sources: ReadonlySet<PackageSource['kind']>,
  state: StateFolder,
  report: (text: string) => void,
  signal: AbortSignal,
): Promise<NodeJS.ProcessEnv> {
  // The person's own settings come last, and so count.
  const config = `${await nixConfig(...sources)}${process.env['NIX_CONFIG'] ?? ''}`;
  await checkNix({ store: state.nix, config }, signal);
  return {
    DERIVERY_NIX_STORE: state.nix,
    NIX_CONFIG: config,
    ...(sources.has('debian') && { DERIVERY_DEBIAN_SET: await debianSet(state, report, signal) }),
  };
}

async function debianSet(
  state: StateFolder,
  onProgress: (text: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) {
    throw new StartError(`The bundled package set is not made for ${process.arch}.`);
  }
  const { folder } = await fetchDebianPackages({ folder: state.debian, architecture, onProgress, signal });
  return folder;
}
