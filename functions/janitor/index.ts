// Entry of the Cloud Function "janitor": run by a message on the topic "maintenance", which Cloud Scheduler sends.
import { z } from 'zod';
import { pullPolicy } from '#core/google/deployment-settings.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { createLog } from '#core/google/log.ts';
import { readSettings } from '#core/google/settings.ts';
import { openSources } from '#core/google/sources.ts';
import { createAsking } from '../asking.ts';
import { startOrExit } from '../start-or-exit.ts';
import { refreshPopular } from './popular.ts';
import { janitorSettings } from './settings.ts';
import { sweepUnclaimedBuilds } from './sweep.ts';

const log = createLog('janitor');

/** A CloudEvent handler. What the message says does not matter: it says when, not what. */
export const janitor: () => Promise<void> = startOrExit(log, () => {
  const settings = readSettings(z.object(janitorSettings), process.env);
  const project = settings.GOOGLE_CLOUD_PROJECT;
  const firestore = openFirestore(project, settings.DERIVERY_DATABASE);
  const images = openImages(firestore);
  const sources = openSources(firestore);
  const hints = openHints(project, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  const policy = pullPolicy(settings);
  const parts = { images, hints, settings: policy.settings, log };
  const asking = createAsking({ images, sources, hints, policy, log });
  return async () => {
    const hinted = await sweepUnclaimedBuilds(parts);
    if (hinted > 0) log.info({ hinted }, 'builds that were left alone have their hints again');
    const { queuedImages, sourcesToLookAt } = await refreshPopular(
      { firestore, images, sources, asking, policy, log },
      settings.DERIVERY_POPULAR_IMAGES,
    );
    if (queuedImages + sourcesToLookAt > 0) {
      log.info({ queuedImages, sourcesToLookAt }, 'the most used images will be up to date');
    }
  };
});
