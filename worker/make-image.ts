// The making of one image: its packages into the store, plan, pack and store what is new, config, manifest.
import type { ImageSettings } from '#core/image-settings.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import type { MakeImage } from './build-image.ts';
import type { BeginRoots } from './collection/build-roots.ts';
import { fetchAndKeep } from './collection/fetch-and-keep.ts';
import { createGetContents } from './get-contents.ts';
import { changeLinks } from './image/change-links.ts';
import { linkedOutputs } from './image/linked-outputs.ts';
import { planImage } from './image/plan-image.ts';
import { writeImage } from './image/write-image.ts';
import type { KnownPackages } from './known-packages.ts';
import type { LayerStore } from './layer-store.ts';
import type { Nix } from './nix/nix.ts';
import type { LayerSnapshots } from './snapshot/layer-snapshots.ts';
import type { StoredSource } from './nix/stored-source.ts';
import type { PackageSources } from './source/package-sources.ts';

export interface ImageMakerParts {
  readonly nix: Nix;
  /** Keep what an image needs of the store, from when that is known until its layers are stored. */
  readonly beginRoots: BeginRoots;
  readonly packageSources: PackageSources;
  readonly knownPackages: KnownPackages;
  readonly layerStore: LayerStore;
  readonly layerSnapshots: LayerSnapshots;
  readonly settings: ImageSettings;
  /** Where the tree of links lies while extra commands take it. */
  readonly spoolFolder: string;
  /** The most bytes that an image's packages may have with all that they need, unpacked. */
  readonly closureLimit: number;
}

export function createImageMaker(parts: ImageMakerParts): MakeImage {
  const { nix, beginRoots, packageSources, layerStore, layerSnapshots, settings, spoolFolder } = parts;
  const getContents = createGetContents(parts);
  return async (request, found, report, signal) => {
    const { source, user } = request;
    const { revision } = found;
    const [platform] = request.platforms;
    await using roots = await beginRoots();
    const fetchSource = (stop: AbortSignal): Promise<StoredSource> =>
      packageSources.fetch(source, found, stop);
    using snapshot = layerSnapshots.begin({ source, revision, platform, settings }, fetchSource, signal);
    const { items, nodes } = await getContents(request, found, roots, report, signal);

    // The first image of a revision may have to wait for it.
    if (!snapshot.isSettled()) report({ name: 'planning' });
    const { realPath } = nix;
    const planned = planImage({
      request,
      revision,
      settings,
      items,
      nodes,
      realPath,
      snapshot: await snapshot.frozen(),
    });
    const change = {
      fetchSource: () => fetchAndKeep(packageSources, roots, source, found, signal),
      roots,
      packages: linkedOutputs(items, nodes).map(({ path }) => path),
      closure: nodes,
      user,
      settings,
      spoolFolder,
    };
    const onWaiting = (waits: boolean): void => report({ name: waits ? 'waiting' : 'building' });
    const plan = await changeLinks(nix, planned, change, { signal, onWaiting });
    const packed = (done: number): void => report({ name: 'packing', done, of: plan.layers.length });
    packed(0);
    const stored = await layerStore.storeAll(plan.layers, packed, signal);

    report({ name: 'publishing' });
    const { config, manifest } = writeImage(plan, stored);
    await layerStore.storeBlob(config, signal);
    const blobs = [...new Set([config, ...stored].map(({ digest }) => digest))];
    return { ...manifest, mediaType: MEDIA_TYPES.manifest, blobs };
  };
}
