// Whether what is in a folder may go: only what this has built.
import { readdir } from 'node:fs/promises';
import { BuildError } from './build-error.ts';
import { DEPLOYABLES } from './deployable.ts';

const BUILT = ['manifest.json', ...DEPLOYABLES.map(({ archive }) => archive)];

/** Throws a {@link BuildError} where the folder has something in it, and no build: `--out .` would take the clone away. */
export async function requireReplaceable(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: unknown): string[] => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new BuildError(`${folder} cannot be replaced: it is no folder that can be read`, { cause: error });
  });
  if (found.length === 0 || BUILT.every(name => found.includes(name))) return;
  throw new BuildError(`${folder} has something else in it than a build, and is not replaced: name another`);
}
