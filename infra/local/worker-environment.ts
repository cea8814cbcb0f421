// What the worker needs of the machine for its package sources: Nix with a store of the instance's own, and packages.
import type { PackageSource } from '#core/package-source.ts';
import { fetchDebianPackages } from './debian-packages.ts';
import { checkNix, nixConfig } from './nix.ts';
import type { StateFolder } from './state-folder.ts';

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
  const environment = { DERIVERY_NIX_STORE: state.nix, NIX_CONFIG: config };
  if (!sources.has('debian')) return environment;
  const { folder } = await fetchDebianPackages({ folder: state.debian, onProgress: report, signal });
  return { ...environment, DERIVERY_DEBIAN_SET: folder };
}
