// Entry of the worker: settings, connections, probes, then builds until it is told to stop.
import { join } from 'node:path';
import { ConfigurationError } from '#core/errors.ts';
import type { Hint } from '#core/hint.ts';
import { UNCLAIMED_MS } from '#core/image-life.ts';
import { openBlobs } from '#core/google/blobs.ts';
import { openBlobBucket } from '#core/google/bucket.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { openLayers } from '#core/google/layers.ts';
import { createLog } from '#core/google/log.ts';
import { openManifests } from '#core/google/manifests.ts';
import { imageSettingsOf, pullPolicy } from '#core/google/deployment-settings.ts';
import { openSnapshots } from '#core/google/snapshots.ts';
import { openSources } from '#core/google/sources.ts';
import { createBlobStore } from './blob-store.ts';
import { createCollector } from './collection/collector.ts';
import { openRoots } from './collection/open-roots.ts';
import { claimFolder } from './claim-folder.ts';
import { buildImage, type BuildParts } from './build-image.ts';
import { isDiskFull } from './disk-full.ts';
import { hasWork } from './has-work.ts';
import { watchIdleness } from './idleness.ts';
import { startIntake, type HandledAs, type Intake } from './intake.ts';
import { createLayerStore } from './layer-store.ts';
import { openKnownPackages } from './known-packages.ts';
import { createImageMaker } from './make-image.ts';
import { createIndexMaker } from './make-index.ts';
import { createMend } from './mend.ts';
import { openNix } from './nix/nix.ts';
import { COMPRESSORS } from './pack/compressors.ts';
import { prepareSpool } from './pack/spool.ts';
import { seldom } from './seldom.ts';
import { readWorkerSettings } from './settings.ts';
import { createLayerSnapshots } from './snapshot/layer-snapshots.ts';
import { createRevisions } from './revisions.ts';
import { lookAtSource } from './look-at-source.ts';
import { createPackageSources } from './source/package-sources.ts';
import { takeHints } from './take-hints.ts';
import { sizeThreadPool } from './thread-pool.ts';

/** How often it is told that the same image is made under other settings. Milliseconds. */
const DECLINE_PERIOD_MS = 60_000;

/** How the unit of the worker (infra/worker-vm) knows that the machine is to stop with it. */
const IDLE_EXIT_CODE = 10;

/** How often it is looked whether the disk has room, without a build that may have used it. Milliseconds. */
const LOOK_PERIOD_MS = 30_000;

const log = createLog('worker');

try {
  await run();
} catch (error) {
  if (error instanceof ConfigurationError) log.fatal(error.message);
  else log.fatal({ error }, 'the worker cannot go on');
  process.exit(1);
}

async function run(): Promise<void> {
  sizeThreadPool();
  const settings = readWorkerSettings(process.env);
  const projectId = settings.GOOGLE_CLOUD_PROJECT;
  const firestore = openFirestore(projectId, settings.DERIVERY_DATABASE);
  const images = openImages(firestore);
  const hints = openHints(projectId, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  const bucket = openBlobBucket(projectId, settings.DERIVERY_BUCKET);
  if (!(await bucket.exists())) {
    throw new ConfigurationError(`there is no bucket "${settings.DERIVERY_BUCKET}" (DERIVERY_BUCKET)`);
  }
  await prepareSpool(settings.DERIVERY_SPOOL);

  const nix = openNix({
    store: settings.DERIVERY_NIX_STORE,
    config: settings.NIX_CONFIG,
    memoryMb: settings.DERIVERY_BUILD_MEMORY_MB,
    evaluation: {
      seconds: settings.DERIVERY_EVALUATION_SECONDS,
      memoryMb: settings.DERIVERY_EVALUATION_MEMORY_MB,
    },
  });
  const stopping = new AbortController();
  const roots = await openRoots(nix, { spoolFolder: settings.DERIVERY_SPOOL, signal: stopping.signal });
  const collector = createCollector({
    nix,
    roots,
    storeLimit: inBytes(settings.DERIVERY_STORE_LIMIT_GB),
    freeAtLeast: inBytes(settings.DERIVERY_STORE_FREE_GB),
    log,
    signal: stopping.signal,
  });
  // Before anything else is written to a disk that may be full.
  await collector.look();
  const blobStore = createBlobStore({ bucket, blobs: openBlobs(firestore) });
  const layers = openLayers(firestore);
  const layerStore = createLayerStore({ blobStore, layers, spoolFolder: settings.DERIVERY_SPOOL });
  const layerSnapshots = createLayerSnapshots({
    nix,
    beginRoots: roots.begin,
    snapshots: openSnapshots(projectId, settings.DERIVERY_BUCKET),
    log,
  });
  const packageSources = createPackageSources({
    nix,
    debianSet: settings.DERIVERY_DEBIAN_SET,
    channelsUrl: settings.DERIVERY_CHANNELS_URL,
    archivesUrl: settings.DERIVERY_ARCHIVES_URL,
    folder: await claimFolder(join(settings.DERIVERY_SPOOL, 'sources')),
  });
  const { settings: settingsDigest, freshMs } = pullPolicy(settings);
  const imageSettings = imageSettingsOf(settings);
  await COMPRESSORS[imageSettings.compression].prepare?.();
  const makeImage = createImageMaker({
    nix,
    beginRoots: roots.begin,
    packageSources,
    knownPackages: openKnownPackages({
      folder: join(settings.DERIVERY_SPOOL, 'known'),
      realPath: nix.realPath,
      recent: roots.recent,
      log,
    }),
    layerStore,
    layerSnapshots,
    settings: imageSettings,
    spoolFolder: settings.DERIVERY_SPOOL,
    closureLimit: settings.DERIVERY_CLOSURE_LIMIT_MB * 1_000_000,
  });
  const makeIndex = createIndexMaker({
    images,
    manifests: openManifests(firestore),
    hints,
    indexes: imageSettings.indexes,
    log,
  });
  const revisions = createRevisions({ sources: openSources(firestore), packageSources, freshMs, log });

  const build: BuildParts = {
    images,
    hints,
    revisions,
    makeImage,
    makeIndex,
    mend: createMend({ blobStore, layers }),
    settings: settingsDigest,
    isNewDecline: seldom(DECLINE_PERIOD_MS),
    leaseSeconds: settings.DERIVERY_LEASE_SECONDS,
    limitSeconds: settings.DERIVERY_BUILD_SECONDS,
    log,
    makeRoom: error => (isDiskFull(error) ? collector.makeRoom() : collector.look()),
    stopping: stopping.signal,
  };
  const idleness = watchIdleness((settings.DERIVERY_IDLE_MINUTES ?? Infinity) * 60_000);
  const openIntake = (): Promise<Intake> =>
    startIntake({
      projectId,
      subscriptions: {
        pull: settings.DERIVERY_BUILDS_SUBSCRIPTION,
        refresh: settings.DERIVERY_REFRESHES_SUBSCRIPTION,
      },
      slots: settings.DERIVERY_BUILD_SLOTS,
      dropDeclinedAfterMs: UNCLAIMED_MS,
      handle,
      log,
      onBroken: () => stop(1),
    });

  /** A look at a source is no work that a machine is kept for: one that cannot be looked at is asked for every minute. */
  async function handle(hint: Hint): Promise<HandledAs> {
    const handled = await (hint.look === 'image'
      ? idleness.during(() => buildImage(build, hint.key))
      : lookAtSource(build, hint.key));
    void collector.look();
    return handled;
  }
  setInterval(() => void collector.look(), LOOK_PERIOD_MS).unref();

  let exitCode = 0;
  function stop(code: number): void {
    if (stopping.signal.aborted) return;
    exitCode = code;
    log.info('stopping');
    stopping.abort();
  }

  // Not `once`: a second signal would end the process before its builds are given back.
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  const intake = await openIntake();
  log.info({ slots: settings.DERIVERY_BUILD_SLOTS }, 'ready');
  process.send?.({ type: 'ready' });

  const ending = await takeHints(intake, {
    open: openIntake,
    idleness,
    hasWork: () => hasWork(images, settingsDigest),
    log,
    stopping: stopping.signal,
  });
  if (ending === 'idle') log.info('there is nothing to build: the worker ends, to be started when there is');
  await firestore.terminate();
  process.exit(ending === 'idle' ? IDLE_EXIT_CODE : exitCode);
}

function inBytes(gigabytes: number | undefined): number | undefined {
  return gigabytes === undefined ? undefined : gigabytes * 1e9;
}
