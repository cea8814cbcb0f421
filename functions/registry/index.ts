// Entry of the Cloud Function "registry": a plain (request, response) handler for the functions framework.
import { openBlobs } from '#core/google/blobs.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { createLog } from '#core/google/log.ts';
import { openManifests } from '#core/google/manifests.ts';
import { startOrExit } from '../start-or-exit.ts';
import { createRegistry, type RequestHandler } from './registry.ts';
import { readRegistrySettings } from './settings.ts';
import { createWaiting } from './waiting.ts';

const log = createLog('registry');

export const registry: RequestHandler = startOrExit(log, () => {
  const settings = readRegistrySettings(process.env);
  const project = settings.GOOGLE_CLOUD_PROJECT;
  const firestore = openFirestore(project, settings.DERIVERY_DATABASE);
  const images = openImages(firestore);
  const hints = openHints(project, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  return createRegistry({
    log,
    source: settings.DERIVERY_SOURCE,
    manifests: openManifests(firestore),
    blobs: openBlobs(firestore),
    baseUrl: settings.DERIVERY_BLOB_URL,
    waiting: createWaiting({ images, hints, log, holdMs: settings.DERIVERY_HOLD_SECONDS * 1000 }),
  });
});
