// The documents of an image whose layers are stored.
import type { LayerFact } from '#core/layer.ts';
import { writeConfig, writeManifest, type Blob } from '#core/oci.ts';
import type { ImagePlan } from './plan-image.ts';

/** Writes config and manifest; `stored` has what became of each layer of the plan, in its order. */
export function writeImage(
  { layers, config, annotations }: ImagePlan,
  stored: readonly LayerFact[],
): { readonly config: Blob; readonly manifest: Blob } {
  const written = writeConfig({
    ...config,
    layers: stored.map(({ diffId }, index) => ({ diffId, createdBy: layers[index]?.createdBy ?? '' })),
  });
  return { config: written, manifest: writeManifest(written, stored, annotations) };
}
