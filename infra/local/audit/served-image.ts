// The images that are served under a name: one, or those of an index.
import { buffer } from 'node:stream/consumers';
import { digestOf, type Digest } from '#core/digest.ts';
import type { BlobBucket } from '#core/google/bucket.ts';
import type { Images } from '#core/google/images.ts';
import type { Manifest, Manifests } from '#core/google/manifests.ts';
import { requestKey, type ImageRequest } from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import { platformSchema } from '#core/platform.ts';
import { StartError } from '../start-error.ts';
import type { AuditedImage } from './compare-images.ts';
import { childrenOf, parseConfig, parseManifest } from './documents.ts';
import { wrongBytes } from './tar-listing.ts';

export interface Served {
  readonly images: Pick<Images, 'read'>;
  readonly manifests: Manifests;
  readonly bucket: Pick<BlobBucket, 'read'>;
}

export interface ServedImage extends AuditedImage {
  readonly digest: Digest;
  /** Bytes of the manifest. */
  readonly size: number;
  /** What asks for this image alone, without the others of its index. */
  readonly request: ImageRequest;
  /** The source's revision that it says it was made at. */
  readonly revision: string;
}

/** Images, and the index that lists them, if one does. */
export interface ServedImages {
  readonly index: Manifest | undefined;
  readonly images: readonly ServedImage[];
}

/**
 * What is served for a request, or has the `digest` that is given. Throws a {@link StartError} where there is nothing, or
 * something that does not say what it was made from.
 */
export async function readServedImages(
  served: Served,
  request: ImageRequest,
  settings: SettingsDigest,
  digest: Digest | undefined,
): Promise<ServedImages> {
  const wanted = digest ?? (await currentDigest(served, request, settings));
  const manifest = await readManifest(served, wanted);
  const children = childrenOf(manifest.mediaType, manifest.bytes);
  if (children === undefined) {
    return { index: undefined, images: [await readImage(served, request, manifest)] };
  }
  const images: ServedImage[] = [];
  for (const child of children) {
    images.push(await readImage(served, request, await readManifest(served, child.digest)));
  }
  return { index: manifest, images };
}

async function currentDigest(
  { images }: Served,
  request: ImageRequest,
  settings: SettingsDigest,
): Promise<Digest> {
  const { document } = await images.read(requestKey(request, settings));
  if (document?.current !== undefined) return document.current.digest;
  throw new StartError('There is no such image here: pull it first.');
}

async function readManifest({ manifests }: Served, digest: Digest): Promise<Manifest> {
  const manifest = await manifests.read(digest);
  if (manifest === undefined) throw new StartError(`There is no manifest ${digest} here.`);
  return manifest;
}

async function readImage(
  { bucket }: Served,
  request: ImageRequest,
  { digest, bytes }: Manifest,
): Promise<ServedImage> {
  const manifest = parseManifest(bytes);
  const revision = manifest.annotations['org.opencontainers.image.revision'];
  if (revision === undefined) throw new StartError(`The image ${digest} does not say what it was made from.`);
  const configBytes = await buffer(bucket.read(manifest.config.digest));
  if (digestOf(configBytes) !== manifest.config.digest) throw wrongBytes(manifest.config.digest);
  const config = parseConfig(configBytes);
  const platform = platformSchema.parse(`linux/${config.architecture}`);
  return {
    digest,
    size: bytes.length,
    request: { ...request, platforms: [platform] },
    revision,
    manifest,
    config,
    open: bucket.read,
  };
}
