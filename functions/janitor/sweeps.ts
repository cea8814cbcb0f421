// All that the janitor goes through, in the order in which one run lets go of things: an image, then its manifest, then blobs.
import type { Sweep, Workplace } from './sweep.ts';
import { sweepBlobs } from './sweeps/blobs.ts';
import { sweepCondemned } from './sweeps/condemned.ts';
import { sweepImages } from './sweeps/images.ts';
import { sweepLayerFacts } from './sweeps/layer-facts.ts';
import { sweepManifestBlobs } from './sweeps/manifest-blobs.ts';
import { sweepManifests } from './sweeps/manifests.ts';
import { sweepObjects } from './sweeps/objects.ts';
import { sweepSnapshots } from './sweeps/snapshots.ts';
import { sweepSources } from './sweeps/sources.ts';
import { sweepTombstones } from './sweeps/tombstones.ts';

export function allSweeps(place: Workplace): readonly Sweep[] {
  return [
    sweepImages,
    sweepManifests,
    sweepManifestBlobs,
    sweepObjects,
    sweepBlobs,
    sweepTombstones,
    sweepCondemned,
    sweepLayerFacts,
    sweepSources,
    sweepSnapshots,
  ].map(sweep => sweep(place));
}
