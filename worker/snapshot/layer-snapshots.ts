// The snapshots that images are planned by: each is made by the worker that is the first to need it, and is the same for all
// workers and images from then on.
import { LRUCache } from 'lru-cache';
import { TransientError } from '#core/errors.ts';
import type { Log } from '#core/google/log.ts';
import type { Snapshots } from '#core/google/snapshots.ts';
import type { Snapshot } from '#core/layer-snapshot.ts';
import { nixSystemOf } from '#core/platform.ts';
import { snapshotName, type SnapshotSubject } from '#core/snapshot-name.ts';
import type { BeginRoots } from '../collection/build-roots.ts';
import type { Nix } from '../nix/nix.ts';
import type { StoredSource } from '../nix/stored-source.ts';
import { createSingleFlight } from '../single-flight.ts';
import { survey } from './survey.ts';

/** Its signal is not that of one image: several may wait for the same. */
export type FetchTree = (signal: AbortSignal) => Promise<StoredSource>;

export interface LayerSnapshots {
  /**
   * Begins to find out a subject's snapshot, beside the making of the image that is to be planned by it. `fetchTree`
   * fetches the source at the revision into the store. What goes wrong is thrown where the snapshot is asked for.
   */
  begin(subject: SnapshotSubject, fetchTree: FetchTree, signal: AbortSignal): PendingSnapshot;
}

/** Given up when it is disposed of, unless others wait for the same. */
export interface PendingSnapshot extends Disposable {
  /** Whether {@link frozen} has nothing to wait for but the bucket. */
  isSettled(): boolean;
  /**
   * The snapshot that everyone plans by. To be asked for only once the image's packages are in the store: a worker that
   * cannot reach anyone builds nothing, and must not freeze what it could not find out. Throws a TransientError.
   */
  frozen(): Promise<Snapshot>;
}

export interface LayerSnapshotsParts {
  readonly nix: Nix;
  /** Keep a package set's tree while it is surveyed: the build that asked first may have ended meanwhile. */
  readonly beginRoots: BeginRoots;
  readonly snapshots: Snapshots;
  readonly log: Log;
}

/** Snapshots that a worker keeps at hand. Bytes. */
const KEPT_BYTES = 64 << 20;

/** About what one entry of a snapshot's map takes, the text of the store path included. Bytes. */
const BYTES_PER_PATH = 300;

interface Found {
  readonly snapshot: Snapshot;
  /** Whether it was in the bucket, or is only what this worker would freeze. */
  readonly isFrozen: boolean;
}

export function createLayerSnapshots({
  nix,
  beginRoots,
  snapshots,
  log,
}: LayerSnapshotsParts): LayerSnapshots {
  const kept = new LRUCache<string, Snapshot>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ bundles }) => (1 + bundles.size) * BYTES_PER_PATH,
  });
  const once = createSingleFlight<Found>();

  async function find(
    name: string,
    { platform, settings }: SnapshotSubject,
    fetchTree: FetchTree,
    signal: AbortSignal,
  ): Promise<Found> {
    const stored = kept.get(name) ?? (await snapshots.read(name));
    if (stored !== undefined) return { snapshot: stored, isFrozen: true };
    await using roots = await beginRoots();
    const fetchAndKeep = async (): Promise<StoredSource> => {
      const source = await fetchTree(signal);
      if (await roots.keep([source.path], signal)) return source;
      throw new TransientError(`${source.path} was collected before it could be surveyed`);
    };
    const set = { fetchTree: fetchAndKeep, system: nixSystemOf(platform), settings };
    return { snapshot: await survey(nix, set, { signal, log }), isFrozen: false };
  }

  return {
    begin(subject, fetchTree, signal) {
      const name = snapshotName(subject);
      const disposed = new AbortController();
      const stop = AbortSignal.any([signal, disposed.signal]);
      const found = once(name, stop, shared => find(name, subject, fetchTree, shared));
      let isSettled = kept.has(name);
      const settle = (): void => void (isSettled = true);
      found.then(settle, settle);
      return {
        isSettled: () => isSettled,
        async frozen() {
          const { snapshot, isFrozen } = await found;
          const frozen = isFrozen ? snapshot : await snapshots.create(name, snapshot, subject.revision);
          kept.set(name, frozen);
          return frozen;
        },
        [Symbol.dispose]: () => disposed.abort(),
      };
    },
  };
}
