// A real image whose packages are all in the store, ready to be packed.
import { ALWAYS_PACKAGES } from '#core/image-settings.ts';
import { parseImageRequest } from '#core/image-request.ts';
import type { Closure } from '#core/closure.ts';
import { makeSnapshot } from '#core/layer-snapshot.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { closure } from '#worker/nix/closure.ts';
import { planImage } from '#worker/image/plan-image.ts';
import { IMAGE_SETTINGS, offerOf } from '#test/core/deployment.ts';
import { build, type DebianSet } from '#test/nix/debian-set.ts';
import type { UnpackedImage } from './storing.ts';

export interface StoredPackages extends UnpackedImage {
  readonly nodes: Closure;
}

/** Builds what the images of these names need, where that is not built yet, and plans them all by one snapshot. */
export async function packagesOf(set: DebianSet, names: readonly string[]): Promise<StoredPackages[]> {
  const { revision, nix } = set;
  const images = [];
  for (const name of names) {
    const request = parseImageRequest(parseRepositoryName(name), parseTag('latest'), offerOf());
    const items = await build(set, [...request.packages, ...ALWAYS_PACKAGES]);
    const paths = items.map(({ path }) => path);
    const nodes = await closure(nix, paths, { signal: AbortSignal.timeout(120_000) });
    images.push({ request, items, nodes, paths });
  }
  const all = new Map(images.flatMap(({ nodes }) => nodes).map(node => [node.path, node]));
  const roots = [...new Set(images.flatMap(({ paths }) => paths))];
  const snapshot = makeSnapshot([...all.values()], { roots, inEvery: [], inShells: [] });
  return images.map(({ request, items, nodes }) => {
    const parts = { request, revision, settings: IMAGE_SETTINGS, items, nodes, snapshot };
    return { request, revision, nodes, plan: () => planImage({ ...parts, realPath: nix.realPath }) };
  });
}
