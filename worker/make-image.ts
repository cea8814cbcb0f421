// The making of one image: resolve, realise, closure, plan, pack and store what is new, config, manifest.
import type { Closure, ClosureNode } from '#core/closure.ts';
import { ALWAYS_PACKAGES, type ImageSettings } from '#core/image-settings.ts';
import { layerKey, linksLayerKey } from '#core/layer.ts';
import { planLayers } from '#core/layer-plan.ts';
import { MEDIA_TYPES, writeConfig, writeManifest } from '#core/oci.ts';
import { byCodeUnits } from '#core/order.ts';
import { sourceAddress } from '#core/package-source.ts';
import { nixSystemOf } from '#core/platform.ts';
import { storePathName, type StorePath } from '#core/store-path.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { MakeImage } from './build-image.ts';
import { requireFetchable, requireWithinLimit } from './closure-limit.ts';
import { commandOf, environmentOf } from './image-environment.ts';
import type { LayerStore, PlannedLayer } from './layer-store.ts';
import { bytesToFetch } from './nix/bytes-to-fetch.ts';
import { closure } from './nix/closure.ts';
import type { Nix } from './nix/nix.ts';
import { realise } from './nix/realise.ts';
import { resolve, type FoundItem } from './nix/resolve.ts';
import { COMPRESSOR_ID } from './pack/gzip.ts';
import type { Output } from './pack/link-plan.ts';
import { linksLayer } from './pack/links.ts';
import { storeEntries } from './pack/store-entries.ts';
import { requireFound } from './resolution.ts';
import type { PackageSources } from './source.ts';

export interface ImageMakerParts {
  readonly nix: Nix;
  readonly packageSources: PackageSources;
  readonly layerStore: LayerStore;
  readonly settings: ImageSettings;
  /** The most bytes that an image's packages may have with all that they need, unpacked. */
  readonly closureLimit: number;
}

export function createImageMaker({
  nix,
  packageSources,
  layerStore,
  settings,
  closureLimit,
}: ImageMakerParts): MakeImage {
  return async (request, found, report, signal) => {
    const source = packageSources.at(request.source, found);
    const packages = [...new Set([...request.packages, ...ALWAYS_PACKAGES])].toSorted(byCodeUnits);
    const [platform] = request.platforms;
    const system = nixSystemOf(platform);
    const items = requireFound(
      await resolve(nix, { source, system, packages }, { signal }),
      request.packages,
    );

    report({ name: 'building' });
    const paths = items.map(({ path }) => path);
    requireFetchable(request.packages, await bytesToFetch(nix, paths, { signal }), closureLimit);
    await realise(nix, items, { signal, onProgress: (done, of) => report({ name: 'building', done, of }) });
    const nodes = await closure(nix, paths, { signal });
    requireWithinLimit(request.packages, nodes, closureLimit);

    const planned = planImage(nix, settings, items, nodes);
    const stored = await layerStore.storeAll(
      planned,
      done => report({ name: 'packing', done, of: planned.length }),
      signal,
    );

    report({ name: 'publishing' });
    const labels = labelsOf(request, found.revision);
    const config = writeConfig({
      platform,
      environment: environmentOf(),
      command: commandOf(request),
      labels,
      layers: stored.map(({ diffId }, index) => ({ diffId, createdBy: planned[index]?.createdBy ?? '' })),
    });
    await layerStore.storeBlob(config, signal);
    const manifest = writeManifest(config, stored, labels);
    return { ...manifest, mediaType: MEDIA_TYPES.manifest };
  };
}

type DescribedLayer = PlannedLayer & { readonly createdBy: string };

/** The layers of store paths as the plan groups them, and the layer of links on top. */
function planImage(
  nix: Nix,
  settings: ImageSettings,
  items: readonly FoundItem[],
  nodes: Closure,
): DescribedLayer[] {
  const paths = planLayers(nodes, settings.layerBudget).map(group => ({
    key: layerKey(group, COMPRESSOR_ID),
    narHashes: group.map(({ narHash }) => narHash),
    entries: () =>
      storeEntries(
        group.map(({ path }) => path),
        nix.realPath,
      ),
    createdBy: group.map(({ path }) => storePathName(path)).join(' '),
  }));
  const linked = linkedOutputs(items, nodes);
  const links = {
    key: linksLayerKey(linked, COMPRESSOR_ID),
    narHashes: linked.map(({ narHash }) => narHash),
    entries: () => linksLayer(linked, nix.realPath),
    createdBy: 'links to the packages',
  };
  return [...paths, links];
}

type LinkedOutput = ClosureNode & Output;

/** The outputs that were asked for, each once, by attribute name: that order settles conflicts between their files. */
function linkedOutputs(items: readonly FoundItem[], nodes: Closure): LinkedOutput[] {
  const nodeOf = new Map(nodes.map(node => [node.path, node]));
  const outputs = new Map<StorePath, LinkedOutput>();
  for (const { attribute, path } of items.toSorted((a, b) => byCodeUnits(a.attribute, b.attribute))) {
    const node = nodeOf.get(path);
    if (node !== undefined && !outputs.has(path))
      outputs.set(path, { ...node, name: attribute, storePath: path });
  }
  return [...outputs.values()];
}

/** Where an image comes from (image-spec, annotations.md): without credentials, which a source's address may carry. */
function labelsOf({ source, ref }: ImageRequest, revision: string): Record<string, string> {
  return {
    'org.opencontainers.image.revision': revision,
    'org.opencontainers.image.source': sourceAddress(source),
    'org.opencontainers.image.version': ref,
  };
}
