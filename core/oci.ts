// The documents of the OCI image specification, as far as we write them, and their exact bytes.
import { architectureOf, type Platform } from './platform.ts';
import { digestOf, type Digest } from './digest.ts';

export const MEDIA_TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  gzipLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstdLayer: 'application/vnd.oci.image.layer.v1.tar+zstd',
} as const;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Bytes that are served under their own digest: never serialised again after this. */
export interface Blob {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export interface ImageConfig {
  readonly platform: Platform;
  readonly environment: Readonly<Record<string, string>>;
  /** What runs when nothing else is asked for. */
  readonly command: readonly string[] | undefined;
  /** `UID:GID`: numbers, by which Kubernetes can tell that it is not root. Without one, root. */
  readonly user: string | undefined;
  /** Where programs are started. */
  readonly workingFolder: string;
  readonly labels: Readonly<Record<string, string>>;
  /** In the order of the layers; the specification wants as many entries as layers. */
  readonly layers: readonly { readonly diffId: Digest; readonly createdBy: string }[];
}

/** Every image is as old as its package set says, not as its build: a fixed date keeps the bytes the same. */
const CREATED = '1970-01-01T00:00:01Z';

/** The image configuration (image-spec, config.md). */
export function writeConfig(config: ImageConfig): Blob {
  const { platform, environment, command, user, workingFolder, labels, layers } = config;
  return toBlob({
    created: CREATED,
    architecture: architectureOf(platform),
    os: 'linux',
    config: {
      ...(user !== undefined && { User: user }),
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(command !== undefined && { Cmd: command }),
      WorkingDir: workingFolder,
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({ created: CREATED, created_by: createdBy })),
  });
}

/** The image manifest (image-spec, manifest.md). */
export function writeManifest(
  config: Blob,
  layers: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Blob {
  return toBlob({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: descriptor(MEDIA_TYPES.config, config.digest, config.bytes.length),
    layers: layers.map(({ mediaType, digest, size }) => descriptor(mediaType, digest, size)),
    annotations,
  });
}

/** What an index says of one of its images. */
export interface IndexedManifest {
  readonly platform: Platform;
  readonly digest: Digest;
  /** Of the manifest, in bytes. */
  readonly size: number;
}

/** The image index (image-spec, image-index.md), its manifests in the order given. */
export function writeIndex(
  manifests: readonly IndexedManifest[],
  annotations: Readonly<Record<string, string>>,
): Blob {
  return toBlob({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: manifests.map(({ platform, digest, size }) => ({
      ...descriptor(MEDIA_TYPES.manifest, digest, size),
      platform: { architecture: architectureOf(platform), os: 'linux' },
    })),
    annotations,
  });
}

function descriptor(mediaType: string, digest: Digest, size: number): Descriptor {
  return { mediaType, digest, size };
}

function toBlob(document: object): Blob {
  const bytes = Buffer.from(JSON.stringify(document));
  return { digest: digestOf(bytes), bytes };
}
