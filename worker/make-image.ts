// The making of one image: resolve, realise, closure, plan, pack and store what is new, config, manifest.
import { ALWAYS_PACKAGES, type ImageSettings } from '#core/image-settings.ts';
import { MEDIA_TYPES } from '#core/oci.ts';
import { byCodeUnits } from '#core/order.ts';
import { nixSystemOf } from '#core/platform.ts';
import type { MakeImage } from './build-image.ts';
import { requireFetchable, requireWithinLimit } from './closure-limit.ts';
import { changeLinks } from './image/change-links.ts';
import { linkedOutputs } from './image/linked-outputs.ts';
import { planImage } from './image/plan-image.ts';
import { writeImage } from './image/write-image.ts';
import type { LayerStore } from './layer-store.ts';
import { bytesToFetch } from './nix/bytes-to-fetch.ts';
import { closure } from './nix/closure.ts';
import type { Nix } from './nix/nix.ts';
import { realise } from './nix/realise.ts';
import { resolve } from './nix/resolve.ts';
import { requireFound } from './resolution.ts';
import type { LayerSnapshots } from './snapshot/layer-snapshots.ts';
import type { PackageSources } from './source/package-sources.ts';

export interface ImageMakerParts {
  readonly nix: Nix;
  readonly packageSources: PackageSources;
  readonly layerStore: LayerStore;
  readonly layerSnapshots: LayerSnapshots;
  readonly settings: ImageSettings;
  /** Where the tree of links lies while extra commands take it. */
  readonly spoolFolder: string;
  /** The most bytes that an image's packages may have with all that they need, unpacked. */
  readonly closureLimit: number;
}

export function createImageMaker({
  nix,
  packageSources,
  layerStore,
  layerSnapshots,
  settings,
  spoolFolder,
  closureLimit,
}: ImageMakerParts): MakeImage {
  return async (request, found, report, signal) => {
    const source = await packageSources.fetch(request.source, found, signal);
    const { contents } = settings;
    const packages = [...new Set([...request.packages, ...contents, ...ALWAYS_PACKAGES])].toSorted(
      byCodeUnits,
    );
    const [platform] = request.platforms;
    const system = nixSystemOf(platform);
    const items = requireFound(
      await resolve(nix, { source, system, packages, importArguments: settings.importArguments }, { signal }),
      { asked: request.packages, contents },
    );

    report({ name: 'building' });
    const subject = { source: request.source, revision: found.revision, platform, settings };
    const snapshot = layerSnapshots.begin(subject, source, signal);
    const paths = items.map(({ path }) => path);
    requireFetchable(request.packages, await bytesToFetch(nix, paths, { signal }), closureLimit);
    await realise(nix, items, { signal, onProgress: (done, of) => report({ name: 'building', done, of }) });
    const nodes = await closure(nix, paths, { signal });
    requireWithinLimit(request.packages, nodes, closureLimit);

    // The first image of a revision may have to wait for it.
    if (!snapshot.isSettled()) report({ name: 'planning' });
    const planned = planImage({
      request,
      revision: found.revision,
      settings,
      items,
      nodes,
      realPath: nix.realPath,
      snapshot: await snapshot.frozen(),
    });
    const packagesByPrecedence = linkedOutputs(items, nodes).map(({ path }) => path);
    const change = {
      source,
      packages: packagesByPrecedence,
      closure: nodes,
      user: request.user,
      settings,
      spoolFolder,
    };
    const plan = await changeLinks(nix, planned, change, { signal });
    const stored = await layerStore.storeAll(
      plan.layers,
      done => report({ name: 'packing', done, of: plan.layers.length }),
      signal,
    );

    report({ name: 'publishing' });
    const { config, manifest } = writeImage(plan, stored);
    await layerStore.storeBlob(config, signal);
    return { ...manifest, mediaType: MEDIA_TYPES.manifest };
  };
}
