// An image before its layers are packed: all that its bytes follow from.
import type { Closure, ClosureNode } from '#core/closure.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { ImageSettings } from '#core/image-settings.ts';
import { layerKey, linksLayerKey } from '#core/layer.ts';
import { planLayers } from '#core/layer-plan.ts';
import type { Snapshot } from '#core/layer-snapshot.ts';
import type { ImageConfig } from '#core/oci.ts';
import type { PlannedLayer } from '../layer-store.ts';
import type { FoundItem } from '../nix/resolve.ts';
import { COMPRESSORS } from '../pack/compressors.ts';
import { linksLayer } from '../pack/links.ts';
import { storeEntries, type RealPath } from '../pack/store-entries.ts';
import { containerOf } from './container.ts';
import { describeLinks, describePaths } from './history.ts';
import { labelsOf, SNAPSHOT_ANNOTATION } from './labels.ts';
import { linkedOutputs } from './linked-outputs.ts';

export type DescribedLayer = PlannedLayer & { readonly createdBy: string };

export interface ImagePlan {
  /** The layers of store paths, and the layer of links on top. */
  readonly layers: readonly DescribedLayer[];
  /** The config, but for what only packing can tell. */
  readonly config: Omit<ImageConfig, 'layers'>;
  /** What the manifest says of the image. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageParts {
  /** For one platform. */
  readonly request: ImageRequest;
  /** The source's revision that it is made from. */
  readonly revision: string;
  readonly settings: Pick<ImageSettings, 'layerBudget' | 'owner' | 'compression'>;
  /** The packages that it has. */
  readonly items: readonly FoundItem[];
  /** Their closure, which is in the store. */
  readonly nodes: Closure;
  readonly realPath: RealPath;
  /** What is known of the package set at this revision, the same for all images. */
  readonly snapshot: Snapshot;
}

/** Plans an image. Neither the order of items and nodes nor the spelling of names matters to any byte of it. */
export function planImage({
  request,
  revision,
  settings,
  items,
  nodes,
  realPath,
  snapshot,
}: ImageParts): ImagePlan {
  const { layerBudget, owner } = settings;
  const compressor = COMPRESSORS[settings.compression];
  const packing = { compressor: compressor.id, owner };

  function ofPaths(group: readonly ClosureNode[]): DescribedLayer {
    const paths = group.map(({ path }) => path);
    return {
      key: layerKey(group, packing),
      size: group.reduce((sum, { narSize }) => sum + narSize, 0),
      narHashes: group.map(({ narHash }) => narHash),
      compressor,
      entries: () => storeEntries(paths, { realPath, owner }),
      createdBy: describePaths(paths),
    };
  }

  function ofLinks(): DescribedLayer {
    const { user } = request;
    const outputs = linkedOutputs(items, nodes);
    return {
      key: linksLayerKey(outputs, { ...packing, user }),
      size: 0,
      narHashes: outputs.map(({ narHash }) => narHash),
      compressor,
      entries: () => linksLayer(outputs, { realPath, user, owner }),
      createdBy: describeLinks(outputs.map(({ path }) => path)),
    };
  }

  const [platform] = request.platforms;
  const labels = labelsOf(request, revision);
  const requested = items.map(({ path }) => path);
  const groups = planLayers(nodes, { snapshot, requested, budget: layerBudget });
  return {
    layers: [...groups.map(group => ofPaths(group.nodes)), ofLinks()],
    config: {
      platform,
      ...containerOf(request, items, realPath),
      labels,
    },
    annotations: { ...labels, [SNAPSHOT_ANNOTATION]: snapshot.id },
  };
}
