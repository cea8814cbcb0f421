// What clients download and unpack, and what a registry keeps, when images are pulled as a workload says.
import type { Layer, LayersOf } from './layers-of.ts';
import type { Workload } from './workload.ts';

/** Sums over all pulls that count. */
export interface Traffic {
  /** Downloaded by clients that never download a blob twice (containerd, podman, Docker since 29). */
  readonly byDigest: number;
  /** Downloaded by clients that know a layer by all that lies below it (Docker's older graph drivers). */
  readonly byChain: number;
  /** Unpacked: a layer that lies on others is unpacked again, whatever was downloaded. */
  readonly unpacked: number;
  /** Layers downloaded by the first kind. */
  readonly newLayers: number;
  readonly pulls: number;
}

/** Replays a workload's pulls, caches being empty at first and never emptied. */
export function replay({ pulls }: Workload, layersOf: LayersOf): Traffic {
  const traffic = { byDigest: 0, byChain: 0, unpacked: 0, newLayers: 0, pulls: 0 };
  const caches = new Map<number, { readonly digests: Set<number>; readonly chains: Set<number> }>();
  for (const { client, image, revision, isCounted } of pulls) {
    const cache = caches.get(client) ?? { digests: new Set(), chains: new Set() };
    caches.set(client, cache);
    const layers = layersOf(image, revision);
    const toFetch = layers.filter(({ digest }) => isNew(cache.digests, digest));
    const toUnpack = layers.filter(({ chain }) => isNew(cache.chains, chain));
    if (!isCounted) continue;
    traffic.byDigest += sum(toFetch, ({ compressed }) => compressed);
    traffic.byChain += sum(toUnpack, ({ compressed }) => compressed);
    traffic.unpacked += sum(toUnpack, ({ unpacked }) => unpacked);
    traffic.newLayers += toFetch.length;
    traffic.pulls += 1;
  }
  return traffic;
}

/** What the registry of a workload keeps, and has had to compress, once all images were made. */
export function storageOf(
  { images, revisions }: Workload,
  layersOf: LayersOf,
): { readonly compressed: number; readonly unpacked: number } {
  const stored = new Map<number, Layer>();
  for (let revision = 0; revision < revisions; revision += 1) {
    for (const image of images)
      for (const layer of layersOf(image, revision)) stored.set(layer.digest, layer);
  }
  const all = [...stored.values()];
  return {
    compressed: sum(all, ({ compressed }) => compressed),
    unpacked: sum(all, ({ unpacked }) => unpacked),
  };
}

function isNew(known: Set<number>, number: number): boolean {
  if (known.has(number)) return false;
  known.add(number);
  return true;
}

function sum(layers: readonly Layer[], size: (layer: Layer) => number): number {
  return layers.reduce((all, layer) => all + size(layer), 0);
}
