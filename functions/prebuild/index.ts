// Entry of the Cloud Function "prebuild": run by a message on the topic "prebuilds", of Cloud Scheduler or anyone else.
import type { CloudEvent } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { createLog } from '#core/google/log.ts';
import { openPullState } from '#core/google/pull-state.ts';
import { offerOf, pullPolicy } from '#core/google/deployment-settings.ts';
import { openSources } from '#core/google/sources.ts';
import { createAsking } from '../asking.ts';
import { startOrExit } from '../start-or-exit.ts';
import { openWorkerMachine } from '../worker-machine/worker-machine.ts';
import { handlePrebuildMessage } from './handle-message.ts';
import { readPrebuildSettings } from './settings.ts';

const log = createLog('prebuild');

/** Of the event that Pub/Sub's messages come in (`MessagePublishedData`), what is read here: the data, in base64. */
const messagePublished = z.object({ message: z.object({ data: z.string() }) });

/** A CloudEvent handler. One that fails has its event delivered again. */
export const prebuild: (event: CloudEvent<unknown>) => Promise<void> = startOrExit(log, () => {
  const settings = readPrebuildSettings(process.env);
  const project = settings.GOOGLE_CLOUD_PROJECT;
  const firestore = openFirestore(project, settings.DERIVERY_DATABASE);
  const images = openImages(firestore);
  const sources = openSources(firestore);
  const hints = openHints(project, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  const policy = pullPolicy(settings);
  const offer = offerOf(settings);
  const parts = {
    log,
    policy,
    readPullState: openPullState(firestore, images, sources),
    asking: createAsking({ images, sources, hints, policy, log }),
    machine: openWorkerMachine(settings, log),
  };
  return async ({ data }) => {
    // A message of attributes only has no data, and so asks for nothing.
    const encoded = messagePublished.safeParse(data).data?.message.data ?? '';
    await handlePrebuildMessage(parts, offer, Buffer.from(encoded, 'base64'));
  };
});
