// Entry of the Cloud Function "janitor": run by a message on the topic "maintenance", which Cloud Scheduler sends.
import { z } from 'zod';
import { imageSettingsOf } from '#core/google/deployment-settings.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { createLog } from '#core/google/log.ts';
import { readSettings } from '#core/google/settings.ts';
import { settingsDigest } from '#core/image-settings.ts';
import { startOrExit } from '../start-or-exit.ts';
import { janitorSettings } from './settings.ts';
import { sweepUnclaimedBuilds } from './sweep.ts';

const log = createLog('janitor');

/** A CloudEvent handler. What the message says does not matter: it says when, not what. */
export const janitor: () => Promise<void> = startOrExit(log, () => {
  const settings = readSettings(z.object(janitorSettings), process.env);
  const project = settings.GOOGLE_CLOUD_PROJECT;
  const images = openImages(openFirestore(project, settings.DERIVERY_DATABASE));
  const hints = openHints(project, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  const parts = { images, hints, settings: settingsDigest(imageSettingsOf(settings)), log };
  return async () => {
    const hinted = await sweepUnclaimedBuilds(parts);
    if (hinted > 0) log.info({ hinted }, 'builds that were left alone have their hints again');
  };
});
