// Package sources whose trees stay for as long as they are evaluated.
import { TransientError } from '#core/errors.ts';
import type { PackageSource } from '#core/package-source.ts';
import type { StoredSource } from '../nix/stored-source.ts';
import type { FoundRevision } from '../source/found-revision.ts';
import type { PackageSources } from '../source/package-sources.ts';
import type { BuildRoots } from './build-roots.ts';

/** Fetches a source at a revision, and keeps its tree for a build. Throws as {@link PackageSources} does. */
export async function fetchAndKeep(
  packageSources: PackageSources,
  roots: BuildRoots,
  source: PackageSource,
  found: FoundRevision,
  signal: AbortSignal,
): Promise<StoredSource> {
  const stored = await packageSources.fetch(source, found, signal);
  if (await roots.keep([stored.path], signal)) return stored;
  throw new TransientError(`${stored.path} was collected before it could be used`);
}
