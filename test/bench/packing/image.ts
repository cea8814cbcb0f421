// A real image whose packages are all in the store, ready to be packed.
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { parseImageRequest } from '#core/image-request.ts';
import type { Closure } from '#core/closure.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { closure } from '#worker/nix/closure.ts';
import { planImage } from '#worker/image/plan-image.ts';
import type { PlannedLayer } from '#worker/layer-store.ts';
import { IMAGE_SETTINGS, offerOf } from '#test/core/deployment.ts';
import { build, type DebianSet } from '#test/nix/debian-set.ts';

export interface StoredPackages {
  readonly nodes: Closure;
  /** The layers, planned anew. */
  readonly plan: () => readonly PlannedLayer[];
}

/** Builds what the image of a name needs, where that is not built yet. */
export async function packagesOf(set: DebianSet, name: string): Promise<StoredPackages> {
  const request = parseImageRequest(parseRepositoryName(name), parseTag('latest'), offerOf());
  const items = await build(set, [...request.packages, ...ALWAYS_PACKAGES]);
  const paths = items.map(({ path }) => path);
  const nodes = await closure(set.nix, paths, { signal: AbortSignal.timeout(120_000) });
  const { revision, nix } = set;
  const parts = { request, revision, settings: IMAGE_SETTINGS, items, nodes, realPath: nix.realPath };
  return { nodes, plan: () => planImage(parts).layers };
}
