// The janitor with all that it works with, by its settings.
import { openBlobs } from '#core/google/blobs.ts';
import { openBucketContents } from '#core/google/bucket-contents.ts';
import { pullPolicy } from '#core/google/deployment-settings.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints, type Hints } from '#core/google/hints.ts';
import { openImages, type Images } from '#core/google/images.ts';
import type { Log } from '#core/google/log.ts';
import { retentionOf } from '#core/google/retention-settings.ts';
import { openRounds } from '#core/google/rounds.ts';
import { openSources } from '#core/google/sources.ts';
import { createAsking } from '../asking.ts';
import { openWorkerMachine, type WorkerMachine } from '../worker-machine/worker-machine.ts';
import { collect, type CollectOptions, type SweepReport } from './collect.ts';
import { refreshPopular, type Refreshes } from './popular.ts';
import type { JanitorSettings } from './settings.ts';
import { allSweeps } from './sweeps.ts';

export interface Janitor {
  readonly images: Images;
  readonly hints: Hints;
  readonly machine: WorkerMachine;
  /** Has the images made again that are used most, where their sources have moved. */
  readonly refreshPopular: (options: { readonly dryRun: boolean }) => Promise<Refreshes>;
  /** One run over everything that may be over. */
  readonly collect: (options: CollectOptions) => Promise<readonly SweepReport[]>;
}

/** Throws a ConfigurationError where the settings do not go together. */
export function openJanitor(settings: JanitorSettings, log: Log): Janitor {
  const project = settings.GOOGLE_CLOUD_PROJECT;
  const firestore = openFirestore(project, settings.DERIVERY_DATABASE);
  const hints = openHints(project, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  const images = openImages(firestore);
  const sources = openSources(firestore);
  const policy = pullPolicy(settings);
  const asking = createAsking({ images, sources, hints, policy, log });
  const place = {
    firestore,
    images,
    hints,
    sources,
    blobs: openBlobs(firestore),
    bucket: openBucketContents(project, settings.DERIVERY_BUCKET),
    retention: retentionOf(settings),
  };
  const rounds = openRounds(firestore);
  return {
    images,
    hints,
    machine: openWorkerMachine(settings, log),
    refreshPopular: options =>
      refreshPopular(
        { firestore, images, sources, asking, policy, log },
        settings.DERIVERY_POPULAR_IMAGES,
        options,
      ),
    collect: options =>
      collect({ sweeps: allSweeps({ ...place, dryRun: options.dryRun }), rounds, log }, options),
  };
}
