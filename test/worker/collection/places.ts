// Makers of images in stores that a test collects.
import type { TestContext } from 'node:test';
import type { ImageRequest } from '#core/image-request.ts';
import { openLayerFolder } from '#local/audit/layer-folder.ts';
import { collectLog } from '#test/collected-log.ts';
import { IMAGE_SETTINGS } from '#test/core/deployment.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { WITHOUT_SNAPSHOT } from '#test/worker/snapshot/without-snapshot.ts';
import { openRoots, type Roots } from '#worker/collection/open-roots.ts';
import { openKnownPackages } from '#worker/known-packages.ts';
import type { ImageMakerParts } from '#worker/make-image.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';

const signal = AbortSignal.timeout(120_000);

/** The roots of a worker, whose spool is a folder of the test's own if no other is said. */
export function rootsOf(context: TestContext, nix: Nix, spool = temporaryFolder(context)): Promise<Roots> {
  return openRoots(nix, { spoolFolder: spool, signal });
}

/** What makes images in a store, with these roots, and knows what it has made. Layers lie in `folder`. */
export function makerParts(
  context: TestContext,
  nix: Nix,
  roots: Roots,
  folder = temporaryFolder(context),
): ImageMakerParts {
  return {
    nix,
    beginRoots: roots.begin,
    packageSources: createPackageSources({
      nix,
      debianSet: undefined,
      channelsUrl: 'http://localhost:1',
      archivesUrl: 'http://localhost:1',
      folder: temporaryFolder(context),
    }),
    knownPackages: openKnownPackages({
      folder: temporaryFolder(context),
      realPath: nix.realPath,
      recent: roots.recent,
      log: collectLog().log,
    }),
    layerStore: openLayerFolder(folder),
    layerSnapshots: WITHOUT_SNAPSHOT,
    settings: IMAGE_SETTINGS,
    spoolFolder: temporaryFolder(context),
    closureLimit: Infinity,
  };
}

export function requestOf(set: string, ...packages: string[]): ImageRequest {
  const source = { kind: 'path', folder: set } as const;
  return { packages, platforms: ['linux/amd64'], user: 'root', source, ref: 'latest' };
}

/** Collects all that nothing keeps, as anybody may. */
export async function collectAll(nix: Nix): Promise<void> {
  const { succeeded, stderr } = await runNix(nix, 'nix-store', ['--gc'], { signal });
  if (!succeeded) throw new Error(stderr);
}
