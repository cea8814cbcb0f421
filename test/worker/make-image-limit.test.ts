// That an image over the limit costs nothing more than to find that out.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PermanentError } from '#core/errors.ts';
import type { ImageRequest } from '#core/image-request.ts';
import { openLayerFolder } from '#local/audit/layer-folder.ts';
import { IMAGE_SETTINGS } from '#test/core/deployment.ts';
import { found, NO_ARGUMENTS } from '#test/nix/debian-set.ts';
import { cacheOf, emptyStore, isValid } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { WITHOUT_SNAPSHOT } from '#test/worker/snapshot/without-snapshot.ts';
import { UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { NOTHING_KNOWN } from '#worker/known-packages.ts';
import { createImageMaker } from '#worker/make-image.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { realise } from '#worker/nix/realise.ts';
import { resolve } from '#worker/nix/resolve.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';

const signal = AbortSignal.timeout(60_000);

const SET = {
  data: 'mkdir $out; head -c 3000000 /dev/zero >$out/data',
  app: 'mkdir -p $out/bin; echo ${data} >$out/bin/app',
  other: 'mkdir $out; echo other >$out/other',
};

/** Makes the image of app and other where the closure may have so many bytes. */
async function make(context: TestContext, nix: Nix, folder: string, closureLimit: number): Promise<string> {
  const packageSources = createPackageSources({
    nix,
    debianSet: undefined,
    channelsUrl: 'http://localhost:1',
    archivesUrl: 'http://localhost:1',
    folder: temporaryFolder(context),
  });
  const layerStore = openLayerFolder(temporaryFolder(context));
  const makeImage = createImageMaker({
    nix,
    beginRoots: UNCOLLECTED,
    packageSources,
    knownPackages: NOTHING_KNOWN,
    layerStore,
    layerSnapshots: WITHOUT_SNAPSHOT,
    settings: IMAGE_SETTINGS,
    spoolFolder: folder,
    closureLimit,
  });
  const request: ImageRequest = {
    packages: ['app', 'other'],
    platforms: ['linux/amd64'],
    user: 'root',
    source: { kind: 'path', folder },
    ref: 'latest',
  };
  const revision = await packageSources.find(request.source, request.ref, signal);
  return (await makeImage(request, revision, () => {}, signal)).digest;
}

async function refusal(made: Promise<string>): Promise<string> {
  const error: unknown = await made.catch((thrown: unknown) => thrown);
  assert.ok(error instanceof PermanentError, String(error));
  assert.equal(error.failure.kind, 'over_limit');
  return error.message;
}

test(
  'T13: is found out before anything is fetched, where a cache tells',
  { timeout: 60_000 },
  async context => {
    const folder = await scratchSet(context, SET);
    const builder = await emptyStore(context);
    const source = await storeFolder(builder, folder);
    const request = {
      source,
      system: 'x86_64-linux',
      importArguments: NO_ARGUMENTS,
      packages: ['app', 'other'],
    };
    const items = found(await resolve(builder, request, { signal }));
    await realise(builder, items, { signal });
    const paths = items.map(({ path }) => path);

    const nix = await emptyStore(context, { from: await cacheOf(context, builder, paths) });
    assert.equal(
      await refusal(make(context, nix, folder, 2_000_000)),
      'app and 1 more come to at least 3.0 MB with all they need; the limit here is 2.0 MB',
    );
    for (const path of paths) assert.equal(await isValid(nix, path), false, path);

    // The image is the same, whether its packages were built or fetched.
    const limit = 4_000_000;
    assert.equal(await make(context, nix, folder, limit), await make(context, builder, folder, limit));
  },
);

test(
  'T13: is found out once it is built, where nobody can tell before',
  { timeout: 60_000 },
  async context => {
    const folder = await scratchSet(context, SET);
    const nix = await emptyStore(context);
    assert.match(
      await refusal(make(context, nix, folder, 2_000_000)),
      /^app and 1 more come to 3\.0 MB with all they need; the limit here is 2\.0 MB$/,
    );
  },
);
