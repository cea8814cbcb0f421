// Where the frozen snapshots of package sets are.
import { createHash } from 'node:crypto';
import type { ImageSettings } from './image-settings.ts';
import { PLANNER_VERSION } from './layer-plan.ts';
import { byCodeUnits, inKeyOrder } from './order.ts';
import { formatPackageSource, type PackageSource } from './package-source.ts';
import type { Platform } from './platform.ts';

/** Begins the names of all snapshots in the bucket. */
export const SNAPSHOTS_PREFIX = 'snapshots/';

/** What a snapshot is of: a package set at a revision, as it is for a platform and under settings. */
export interface SnapshotSubject {
  readonly source: PackageSource;
  readonly revision: string;
  readonly platform: Platform;
  /** What the packages depend on, and which of them every image has. */
  readonly settings: Pick<ImageSettings, 'contents' | 'importArguments'>;
}

/**
 * `snapshots/<source>/<revision>/`: begins the names of all snapshots of a source at a revision, whatever ref it was found
 * by. A channel and a commit of it are the same source. Once nobody asks for images of that revision any more, what is below may be deleted.
 */
export function snapshotFolder({ source, revision }: Pick<SnapshotSubject, 'source' | 'revision'>): string {
  const repository = source.kind === 'channel' ? 'channel' : formatPackageSource(source);
  return `${SNAPSHOTS_PREFIX}${hash(repository)}/${hash(revision)}/`;
}

/** The name of the one snapshot that all workers plan such images by. */
export function snapshotName({ source, revision, platform, settings }: SnapshotSubject): string {
  const { contents, importArguments } = settings;
  const settingsHash = hash([
    PLANNER_VERSION,
    [...new Set(contents)].toSorted(byCodeUnits),
    [inKeyOrder(importArguments.config), importArguments.overlay ?? null],
  ]);
  return `${snapshotFolder({ source, revision })}${platform.replace('/', '-')}-${settingsHash}.json.gz`;
}

function hash(canonical: unknown): string {
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
