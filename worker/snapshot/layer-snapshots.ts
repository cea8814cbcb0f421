// The snapshots that this worker's images are planned by: each made by whoever is the first to need it, and the same for all
// from then on.
import { LRUCache } from 'lru-cache';
import type { Log } from '#core/google/log.ts';
import type { Snapshots } from '#core/google/snapshots.ts';
import type { Snapshot } from '#core/layer-snapshot.ts';
import { nixSystemOf } from '#core/platform.ts';
import { snapshotName, type SnapshotSubject } from '#core/snapshot-name.ts';
import type { Nix } from '../nix/nix.ts';
import type { StoredSource } from '../nix/stored-source.ts';
import { createSingleFlight } from '../single-flight.ts';
import { survey } from './survey.ts';

export interface LayerSnapshots {
  /**
   * Sees to a subject's snapshot: begins to make it where there is none, while the image is built. `tree`: the source at the
   * revision. Whoever needs the snapshot awaits what is answered; what went wrong is thrown there and not before. Aborting the signal ends all this.
   */
  begin(subject: SnapshotSubject, tree: StoredSource, signal: AbortSignal): PendingSnapshot;
}

export interface PendingSnapshot {
  /** Whether it is known by now. It may be that it cannot be made. */
  readonly isSettled: () => boolean;
  /**
   * The snapshot that everyone plans by. Only to be asked for once the image is there: it freezes what was found out, and a
   * worker that cannot reach the world, which builds nothing, freezes nothing either. Throws a TransientError.
   */
  readonly frozen: () => Promise<Snapshot>;
}

export interface LayerSnapshotsParts {
  readonly nix: Nix;
  readonly snapshots: Snapshots;
  readonly log: Log;
}

/** Snapshots that a worker keeps at hand. Bytes. */
const CACHE_BYTES = 64 << 20;

/** About what an entry of a map takes, with the text of its store path. Bytes. */
const BYTES_PER_PATH = 300;

export function createLayerSnapshots({ nix, snapshots, log }: LayerSnapshotsParts): LayerSnapshots {
  const kept = new LRUCache<string, Snapshot>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ bundles }) => (1 + bundles.size) * BYTES_PER_PATH,
  });
  const once = createSingleFlight<{ readonly snapshot: Snapshot; readonly isFrozen: boolean }>();

  return {
    begin(subject, tree, signal) {
      const name = snapshotName(subject);
      const known = kept.get(name);
      if (known !== undefined) return { isSettled: () => true, frozen: () => Promise.resolve(known) };

      const found = once(name, signal, async shared => {
        const stored = await snapshots.read(name);
        if (stored !== undefined) return { snapshot: stored, isFrozen: true };
        const { platform, settings } = subject;
        const set = { tree, system: nixSystemOf(platform), settings };
        return { snapshot: await survey(nix, set, { signal: shared, log }), isFrozen: false };
      });
      let settled = false;
      const settle = (): void => void (settled = true);
      found.then(settle, settle);
      return {
        isSettled: () => settled,
        async frozen() {
          const { snapshot, isFrozen } = await found;
          const frozen = isFrozen ? snapshot : await snapshots.create(name, snapshot);
          kept.set(name, frozen);
          return frozen;
        },
      };
    },
  };
}
