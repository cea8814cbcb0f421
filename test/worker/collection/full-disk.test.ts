// T31: a disk that is full, wherever it is met.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openLayers } from '#core/google/layers.ts';
import { collectLog } from '#test/collected-log.ts';
import { BUCKET, Cloud, PROJECT } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { NO_ARGUMENTS, SYSTEM } from '#test/nix/debian-set.ts';
import { derivations, isValid } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { createBlobStore } from '#worker/blob-store.ts';
import { buildImage } from '#worker/build-image.ts';
import { claimFolder } from '#worker/claim-folder.ts';
import { createCollector } from '#worker/collection/collector.ts';
import { isDiskFull } from '#worker/disk-full.ts';
import { openKnownPackages } from '#worker/known-packages.ts';
import { createLayerStore } from '#worker/layer-store.ts';
import { createImageMaker } from '#worker/make-image.ts';
import { resolve } from '#worker/nix/resolve.ts';
import { BlockPool } from '#worker/pack/block-pool.ts';
import { COMPRESSORS } from '#worker/pack/compressors.ts';
import { packLayer } from '#worker/pack/pack-layer.ts';
import { openGit } from '#worker/source/git.ts';
import { openRepositories } from '#worker/source/git-repositories.ts';
import { makerParts, requestOf, rootsOf } from './places.ts';
import { smallDisk, storeOn } from './small-disk.ts';

const signal = AbortSignal.timeout(120_000);

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const full = (error: unknown): boolean => isDiskFull(error);

describe('T31: a disk that is full', () => {
  test('ends a try of a build, and the next one works: there was a collection', async context => {
    const disk = smallDisk(context, 64);
    if (disk === undefined) return;
    const nix = await storeOn(disk);
    const roots = await rootsOf(context, nix);
    const { old } = await derivations(context, nix, { old: 'head -c 30000000 /dev/urandom >$out' }, true);
    assert.ok(old);
    await roots.recent.add([old.path], signal);
    const set = await scratchSet(context, { large: 'head -c 30000000 /dev/urandom >$out' });
    const parts = makerParts(context, nix, roots);
    const makeImage = createImageMaker({
      ...parts,
      layerStore: createLayerStore({
        blobStore: createBlobStore({
          bucket: openBlobBucket(PROJECT, BUCKET),
          blobs: openBlobs(cloud.firestore),
        }),
        layers: openLayers(cloud.firestore),
        spoolFolder: temporaryFolder(context),
      }),
    });
    const { log } = collectLog();
    const collector = createCollector({
      nix,
      roots,
      storeLimit: undefined,
      freeAtLeast: undefined,
      log,
      signal,
    });
    const { key } = await cloud.newQueued();
    const { revision } = await parts.packageSources.find(requestOf(set).source, 'latest', signal);
    const tryOnce = () =>
      buildImage(
        {
          images: cloud.images,
          hints: cloud.hints,
          revisions: {
            forImage: async (_request, now) => ({ revision, gitRef: undefined, checkedAt: now }),
            refresh: () => assert.fail('no source is to be looked at'),
          },
          makeImage: (_request, ...rest) => makeImage(requestOf(set, 'large'), ...rest),
          mend: () => assert.fail('nothing is missing'),
          makeIndex: () => assert.fail('no index is to be made'),
          settings: SETTINGS,
          isNewDecline: () => assert.fail('nothing is to be declined'),
          leaseSeconds: 60,
          limitSeconds: 60,
          log,
          makeRoom: error => (isDiskFull(error) ? collector.makeRoom() : collector.look()),
          stopping: new AbortController().signal,
        },
        key,
      );
    assert.equal(await tryOnce(), 'again');
    const build = await cloud.buildOf(key);
    assert.ok(build.state === 'queued', build.state);
    assert.match(build.lastError ?? '', /No space left on device|disk is full/);
    assert.equal(await isValid(nix, old.path), false);
    assert.equal(await tryOnce(), 'done');
    assert.notEqual((await cloud.images.read(key)).document?.current, undefined);
  });

  test('is no answer about a package, nor about a repository', async context => {
    const disk = smallDisk(context, 32);
    if (disk === undefined) return;
    const nix = await storeOn(disk);
    const set = await scratchSet(context, { app: 'echo app >$out' });
    const source = await storeFolder(nix, set);
    const request = { source, system: SYSTEM, importArguments: NO_ARGUMENTS, packages: ['app', 'none'] };
    const repositories = openRepositories(openGit(), join(disk.folder, 'git'));
    const look = () => repositories.use('https://localhost/x', 'commits', signal, async () => {});
    await look();
    const empty = disk.fill();
    const error: unknown = await resolve(nix, request, { signal }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TransientError, String(error));
    await assert.rejects(
      repositories.use('https://localhost/other', 'commits', signal, async () => {}),
      full,
    );
    empty();
    await resolve(nix, request, { signal });
    await look();
  });

  test('is met by what is kept beside the store, and told as what it is', async context => {
    const disk = smallDisk(context, 32);
    if (disk === undefined) return;
    const nix = await storeOn(disk);
    const roots = await rootsOf(context, nix, disk.folder);
    const place = join(disk.folder, 'known');
    await mkdir(place);
    const collected = collectLog();
    const known = openKnownPackages({
      folder: place,
      realPath: nix.realPath,
      recent: roots.recent,
      log: collected.log,
    });
    const naming = {
      source: { kind: 'debian' } as const,
      revision: 'r',
      system: SYSTEM,
      importArguments: NO_ARGUMENTS,
    };
    const empty = disk.fill();
    await known.remember(naming, ['none'], { items: [], nodes: [] }, signal);
    assert.match(String(collected.lines[0]?.['message']), /cannot be kept; Nix will be asked again/);
    const tar = [randomBytes(100_000)];
    const packing = { compressor: COMPRESSORS.gzip, pool: new BlockPool(), spoolFolder: disk.folder };
    await assert.rejects(packLayer(tar, packing), full);
    await using build = await roots.begin();
    assert.equal(await known.recall(naming, ['none'], build, signal), undefined);
    empty();
    await known.remember(naming, ['none'], { items: [], nodes: [] }, signal);
    assert.deepEqual(await known.recall(naming, ['none'], build, signal), { items: [], nodes: [] });
  });

  test('may have room for bytes, and none for files', async context => {
    const disk = smallDisk(context, 1, 1);
    if (disk === undefined) return;
    await assert.rejects(claimFolder(disk.folder), full);
  });
});
