// What makes two images of one name differ, down to the file.
import type { Readable } from 'node:stream';
import type { Digest } from '#core/digest.ts';
import { compareListings } from './compare-listings.ts';
import { differencesOf } from './compare-documents.ts';
import type { ImageConfigDocument, ImageManifestDocument } from './documents.ts';
import { listLayer, type Listing } from './tar-listing.ts';

export interface AuditedImage {
  readonly manifest: ImageManifestDocument;
  readonly config: ImageConfigDocument;
  /** A layer's blob. */
  readonly open: (digest: Digest) => Readable;
}

/** A difference, and what more there is to say of it. */
export interface Difference {
  readonly what: string;
  readonly details: readonly string[];
}

/** Every difference that explains why the manifests are not the same; at least one where they are not. */
export async function compareImages(served: AuditedImage, rebuilt: AuditedImage): Promise<Difference[]> {
  const found = [
    ...section('the manifest', differencesOf(withoutBlobs(served), withoutBlobs(rebuilt), 'manifest')),
    ...section('the config', differencesOf(withoutLayers(served), withoutLayers(rebuilt), 'config')),
    ...(await compareLayers(layersOf(served), layersOf(rebuilt))),
  ];
  if (found.length > 0) return found;
  return [{ what: 'the same content is written in another way', details: [] }];
}

function section(what: string, details: readonly string[]): Difference[] {
  return details.length === 0 ? [] : [{ what, details }];
}

/** A manifest but for what follows from config and layers. */
function withoutBlobs({ manifest }: AuditedImage): object {
  const { config, layers, ...rest } = manifest;
  return {
    ...rest,
    configType: config.mediaType,
    layerTypes: [...new Set(layers.map(layer => layer.mediaType))],
  };
}

/** A config but for what follows from the layers. */
function withoutLayers({ config }: AuditedImage): object {
  const { rootfs, history: _history, ...rest } = config;
  return { ...rest, rootfsType: rootfs.type };
}

interface Layer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly diffId: string;
  /** The image's own words: which store paths are in it. */
  readonly described: string;
  readonly open: () => Readable;
}

function layersOf({ manifest, config, open }: AuditedImage): Layer[] {
  return manifest.layers.map(({ mediaType, digest }, index) => ({
    mediaType,
    digest,
    diffId: config.rootfs.diff_ids[index] ?? '',
    described: config.history[index]?.created_by ?? '',
    open: () => open(digest),
  }));
}

async function compareLayers(served: readonly Layer[], rebuilt: readonly Layer[]): Promise<Difference[]> {
  const [otherBlobs, ourBlobs] = withoutPairs(served, rebuilt, 'digest');
  const [otherTars, ourTars] = withoutPairs(otherBlobs, ourBlobs, 'diffId');
  const compressed = otherBlobs
    .filter(layer => !otherTars.includes(layer))
    .map(layer => ({
      what: `only the compression of layer ${served.indexOf(layer) + 1}`,
      details: [layer.described],
    }));
  const files = compareListings(await listAll(otherTars), await listAll(ourTars));
  const found = [...compressed, ...files.map(({ of, lines }) => ({ what: of, details: lines }))];
  if (files.length === 0 && otherTars.length + ourTars.length > 0) {
    const details = [`served in ${served.length} layers, rebuilt in ${rebuilt.length}`];
    found.push({ what: 'how the same files are put into layers', details });
  }
  return found.length > 0 ? found : compareOrder(served, rebuilt);
}

/** The rest, where the layers themselves are the same. */
function compareOrder(served: readonly Layer[], rebuilt: readonly Layer[]): Difference[] {
  const isSame = served.every(({ digest }, index) => rebuilt[index]?.digest === digest);
  if (!isSame) return [{ what: 'the order of the layers', details: [] }];
  const describedIn = (layers: readonly Layer[]): string[] => layers.map(({ described }) => described);
  return section('the history', differencesOf(describedIn(served), describedIn(rebuilt), 'history'));
}

/** Both, without the layers that each has with the same `field`. */
function withoutPairs(
  some: readonly Layer[],
  others: readonly Layer[],
  field: 'digest' | 'diffId',
): [Layer[], Layer[]] {
  const left = [...others];
  const rest = some.filter(layer => {
    const at = left.findIndex(other => other[field] === layer[field]);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [rest, left];
}

async function listAll(layers: readonly Layer[]): Promise<Listing> {
  const all: Listing = new Map();
  for (const layer of layers) {
    for (const [path, listed] of await listLayer(layer, layer.open())) all.set(path, listed);
  }
  return all;
}
