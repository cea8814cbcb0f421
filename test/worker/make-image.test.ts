import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { PermanentError } from '#core/errors.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openLayers } from '#core/google/layers.ts';
import { createLog } from '#core/google/log.ts';
import { openSnapshots } from '#core/google/snapshots.ts';
import { parseImageRequest } from '#core/image-request.ts';
import type { ImageSettings } from '#core/image-settings.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import type { Manifest } from '#core/google/manifests.ts';
import { createBlobStore } from '#worker/blob-store.ts';
import { UNCOLLECTED } from '#worker/collection/build-roots.ts';
import { createLayerStore } from '#worker/layer-store.ts';
import { NOTHING_KNOWN } from '#worker/known-packages.ts';
import { createImageMaker } from '#worker/make-image.ts';
import { createLayerSnapshots } from '#worker/snapshot/layer-snapshots.ts';
import { createPackageSources } from '#worker/source/package-sources.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';
import { IMAGE_SETTINGS, offerOf } from '#test/core/deployment.ts';
import { debianSet, removeStore, type DebianSet } from '#test/nix/debian-set.ts';
import { gnuTar } from '#test/worker/pack/trees.ts';

const LATEST = parseTag('latest');
const never = new AbortController().signal;

let cloud: Cloud;
let set: DebianSet;
let folder: string;
before(async () => {
  [cloud, set] = await Promise.all([Cloud.start(), debianSet()]);
  folder = await mkdtemp(join(tmpdir(), 'derivery-make-'));
});
after(async () => {
  await cloud[Symbol.asyncDispose]();
  await removeStore(folder);
});

/** Makes the image of a name as a deployment of these settings does, with the shared store. */
async function make(name: string, settings: Partial<ImageSettings> = {}): Promise<Manifest> {
  const { nix, folder: debianFolder, revision } = set;
  const packageSources = createPackageSources({
    nix,
    debianSet: debianFolder,
    channelsUrl: '',
    archivesUrl: '',
    folder: join(folder, 'sources'),
  });
  const makeImage = createImageMaker({
    nix,
    beginRoots: UNCOLLECTED,
    packageSources,
    knownPackages: NOTHING_KNOWN,
    layerStore: createLayerStore({
      blobStore: createBlobStore({
        bucket: openBlobBucket(PROJECT, BUCKET),
        blobs: openBlobs(cloud.firestore),
      }),
      layers: openLayers(cloud.firestore),
      spoolFolder: folder,
    }),
    layerSnapshots: createLayerSnapshots({
      nix,
      beginRoots: UNCOLLECTED,
      snapshots: openSnapshots(PROJECT, BUCKET),
      log: createLog('test'),
    }),
    settings: { ...IMAGE_SETTINGS, ...settings },
    spoolFolder: folder,
    closureLimit: Infinity,
  });
  const request = parseImageRequest(parseRepositoryName(name), LATEST, offerOf());
  return makeImage(request, { revision, gitRef: undefined }, () => {}, never);
}

const blobSchema = z.object({ digest: z.string() });
const manifestSchema = z.object({ config: blobSchema, layers: z.array(blobSchema) });

async function blob({ digest }: z.infer<typeof blobSchema>): Promise<Buffer> {
  const object = encodeURIComponent(`blobs/${digest.replace(':', '/')}`);
  const response = await fetch(`${cloud.storageUrl}/storage/v1/b/${BUCKET}/o/${object}?alt=media`);
  assert.ok(response.ok, digest);
  return Buffer.from(await response.arrayBuffer());
}

/** What `tar -tv` shows of all layers: mode, owner, size, time, name. */
async function filesOf({ bytes }: Manifest): Promise<string[]> {
  const { layers } = manifestSchema.parse(JSON.parse(bytes.toString()));
  const listed: string[] = [];
  for (const layer of layers) {
    listed.push(...gnuTar(await blob(layer), '-tzvf', '-').split('\n').filter(line => line !== '')); // prettier-ignore
  }
  return listed;
}

async function commandOf({ bytes }: Manifest): Promise<unknown> {
  const { config } = manifestSchema.parse(JSON.parse(bytes.toString()));
  const { config: container } = JSON.parse((await blob(config)).toString()) as { config: { Cmd?: unknown } };
  return container.Cmd;
}

describe('a deployment', () => {
  test('says whom the files belong to, but for those in the home of nonroot', async () => {
    const files = await filesOf(await make('nonroot/hello', { owner: { uid: 4711, gid: 815 } }));
    const others = files.filter(line => !/^\S+ 4711\/815 /.test(line));
    assert.deepEqual(others.map(line => line.replace(/ +0 .* /, ' ')), ['drwxr-xr-x 1000/1000 home/nonroot/']); // prettier-ignore
    assert.ok(files.some(line => / 4711\/815 .* nix\/store\/[^/]+-hello-[^/]+\/bin\/hello$/.test(line)));
  });

  test('gives every image packages of its own, which are not what its name asks for', async () => {
    const image = await make('hello', { contents: ['which', 'hello'] });
    const files = await filesOf(image);
    assert.ok(files.some(line => / bin\/which -> \/nix\/store\//.test(line)));
    assert.deepEqual(await commandOf(image), ['/bin/hello']);
    assert.notEqual(image.digest, (await make('hello')).digest);
  });

  test('is told where a package of its own is not there', async () => {
    await assert.rejects(make('hello', { contents: ['whihc'] }), (error: unknown) => {
      assert.ok(error instanceof PermanentError);
      assert.equal(error.failure.kind, 'refused');
      assert.match(error.failure.message, /^the deployment's own package "whihc" is not in the package set/);
      return true;
    });
    // Where the name is wrong too, that is what its author has to know.
    await assert.rejects(make('helo', { contents: ['whihc'] }), /^PermanentError: "helo" is not in/);
  });
});

test('an image has one digest, whoever makes it: other spellings, another order, other packages before', async () => {
  const { digest } = await make('shell/hello');
  for (const name of [
    'shell/hello',
    'shell/hello/coreutils',
    'nano/hello/moreutils/coreutils/bashinteractive',
  ]) {
    assert.equal((await make(name)).digest, digest, name);
  }
  assert.notEqual((await make('nonroot/shell/hello')).digest, digest);
});
