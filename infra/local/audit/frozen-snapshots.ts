// What the layers of a served image were planned by: read, and never made anew.
import type { Snapshots } from '#core/google/snapshots.ts';
import { snapshotName } from '#core/snapshot-name.ts';
import type { LayerSnapshots } from '#worker/snapshot/layer-snapshots.ts';
import { StartError } from '../start-error.ts';

/** Those that are in the deployment's bucket. Asking for one that is not there throws a {@link StartError}. */
export function frozenSnapshots(snapshots: Pick<Snapshots, 'read'>): LayerSnapshots {
  return {
    begin: subject => ({
      isSettled: () => true,
      async frozen() {
        const snapshot = await snapshots.read(snapshotName(subject));
        if (snapshot !== undefined) return snapshot;
        throw new StartError(
          'It cannot be made again: what its layers were planned by is not in the bucket any more.',
        );
      },
      [Symbol.dispose]: () => {},
    }),
  };
}
