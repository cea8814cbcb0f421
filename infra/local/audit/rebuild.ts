// Making an image again where nothing of it is known: in an empty Nix store, at the revision it was made at.
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { imageSettingsOf } from '#core/google/deployment-settings.ts';
import { openSnapshots } from '#core/google/snapshots.ts';
import type { Environment } from '#core/google/settings.ts';
import type { Phase } from '#core/image-document.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { formatPackageSource } from '#core/package-source.ts';
import { keepsRevisions } from '#core/source-document.ts';
import { UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { NOTHING_KNOWN } from '#worker/known-packages.ts';
import { createImageMaker } from '#worker/make-image.ts';
import { openNix } from '#worker/nix/nix.ts';
import type { WorkerSettings } from '#worker/settings.ts';
import { createPackageSources, type PackageSources } from '#worker/source/package-sources.ts';
import { StartError } from '../start-error.ts';
import type { AuditedImage } from './compare-images.ts';
import { frozenSnapshots } from './frozen-snapshots.ts';
import { parseConfig, parseManifest } from './documents.ts';
import { openLayerFolder } from './layer-folder.ts';

export interface RebuildParts {
  readonly settings: WorkerSettings;
  /** The environment that the worker runs in. */
  readonly environment: Environment;
  /** Whether packages may come from binary caches, as far as the deployment's Nix has any. */
  readonly binaryCaches: boolean;
  readonly report: (phase: Phase) => void;
}

export interface RebuiltImage extends AuditedImage, AsyncDisposable {
  readonly digest: string;
}

/**
 * Makes the image, which is for one platform, by the worker's own code. Whoever holds it disposes of it, which removes
 * the store. Throws a {@link StartError} where the source is not at this revision any more, and what making an image throws.
 */
export async function rebuild(
  request: ImageRequest,
  revision: string,
  { settings, environment, binaryCaches, report }: RebuildParts,
  signal: AbortSignal,
): Promise<RebuiltImage> {
  // Nix refuses a store behind a symbolic link.
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'derivery-audit-')));
  const discard = (): Promise<void> => removeStore(folder);
  try {
    const part = async (name: string): Promise<string> => {
      const path = join(folder, name);
      await mkdir(path);
      return path;
    };
    const caches = binaryCaches ? '' : '\nsubstitute = false\n';
    const nix = openNix(
      {
        store: await part('store'),
        config: `${settings.NIX_CONFIG}${caches}`,
        memoryMb: settings.DERIVERY_BUILD_MEMORY_MB,
        evaluation: {
          seconds: settings.DERIVERY_EVALUATION_SECONDS,
          memoryMb: settings.DERIVERY_EVALUATION_MEMORY_MB,
        },
      },
      environment,
    );
    const packageSources = createPackageSources({
      nix,
      debianSet: settings.DERIVERY_DEBIAN_SET,
      channelsUrl: settings.DERIVERY_CHANNELS_URL,
      archivesUrl: settings.DERIVERY_ARCHIVES_URL,
      folder: await part('sources'),
    });
    const layerFolder = openLayerFolder(await part('layers'));
    const makeImage = createImageMaker({
      nix,
      beginRoots: UNCOLLECTED,
      packageSources,
      knownPackages: NOTHING_KNOWN,
      layerStore: layerFolder,
      layerSnapshots: frozenSnapshots(openSnapshots(settings.GOOGLE_CLOUD_PROJECT, settings.DERIVERY_BUCKET)),
      settings: imageSettingsOf(settings),
      spoolFolder: await part('spool'),
      closureLimit: settings.DERIVERY_CLOSURE_LIMIT_MB * 1_000_000,
    });
    await requireRevision(packageSources, request, revision, signal);
    report({ name: 'resolving' });
    const { digest, bytes } = await makeImage(request, { revision, gitRef: undefined }, report, signal);
    const manifest = parseManifest(bytes);
    const config = parseConfig(layerFolder.config(manifest.config.digest) ?? Buffer.alloc(0));
    return { digest, manifest, config, open: layerFolder.open, [Symbol.asyncDispose]: discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

/** A folder holds what it holds now. */
async function requireRevision(
  packageSources: PackageSources,
  { source, ref }: ImageRequest,
  revision: string,
  signal: AbortSignal,
): Promise<void> {
  if (keepsRevisions(source)) return;
  const now = (await packageSources.find(source, ref, signal)).revision;
  if (now === revision) return;
  throw new StartError(
    `It cannot be made again: ${formatPackageSource(source)} has changed since. The image was made at ${revision}, and it is at ${now} now.`,
  );
}

/** Store paths are read-only, folders among them. */
async function removeStore(folder: string): Promise<void> {
  await execa('chmod', ['-R', 'u+w', folder], { reject: false });
  await rm(folder, { recursive: true, force: true });
}
