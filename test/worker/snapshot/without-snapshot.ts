// For tests of other things than what layers are planned by.
import { EMPTY_SNAPSHOT } from '#core/layer-snapshot.ts';
import type { LayerSnapshots } from '#worker/snapshot/layer-snapshots.ts';

/** Nothing is known of any package set. */
export const WITHOUT_SNAPSHOT: LayerSnapshots = {
  begin: () => ({
    isSettled: () => true,
    frozen: () => Promise.resolve(EMPTY_SNAPSHOT),
    [Symbol.dispose]: () => {},
  }),
};
