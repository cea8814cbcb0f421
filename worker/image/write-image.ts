// The documents of an image whose layers are stored.
import type { LayerFact } from '#core/layer.ts';
import { writeConfig, writeManifest, type Blob } from '#core/oci.ts';
import type { ImagePlan } from './plan-image.ts';

/** Writes config and manifest; `stored` has what became of each layer of the plan, in its order. */
export function writeImage(
  { layers, config, annotations }: ImagePlan,
  stored: readonly LayerFact[],
): { readonly config: Blob; readonly manifest: Blob } {
  const described = layers.map((layer, index) => ({ ...layer, fact: factOf(stored, index) }));
  const written = writeConfig({
    ...config,
    layers: described.map(({ fact, createdBy }) => ({ diffId: fact.diffId, createdBy })),
  });
  const descriptors = described.map(({ fact, compressor }) => ({
    mediaType: compressor.mediaType,
    digest: fact.digest,
    size: fact.size,
  }));
  return { config: written, manifest: writeManifest(written, descriptors, annotations) };
}

function factOf(stored: readonly LayerFact[], index: number): LayerFact {
  const fact = stored[index];
  if (fact === undefined) throw new Error(`${stored.length} layers are stored, and the plan has more`);
  return fact;
}
