// Entry of the Cloud Function "registry": a plain (request, response) handler for the functions framework.
import { openBlobs } from '#core/google/blobs.ts';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { createLog } from '#core/google/log.ts';
import { openManifests } from '#core/google/manifests.ts';
import { openPullState } from '#core/google/pull-state.ts';
import { offerOf, pullPolicy } from '#core/google/deployment-settings.ts';
import { openSources } from '#core/google/sources.ts';
import { openUrlSigner } from '#core/google/url-signer.ts';
import { createAsking } from '../asking.ts';
import { startOrExit } from '../start-or-exit.ts';
import { publicAddresses, signedAddresses, type BlobAddress } from './blob-addresses.ts';
import { openKnownTags } from './known-tags.ts';
import { openRefLists } from './ref-lists.ts';
import { createRegistry, type RequestHandler } from './registry.ts';
import { readRegistrySettings, type RegistrySettings } from './settings.ts';
import { createWaiting } from './waiting.ts';

const log = createLog('registry');

export const registry: RequestHandler = startOrExit(log, () => {
  const settings = readRegistrySettings(process.env);
  const project = settings.GOOGLE_CLOUD_PROJECT;
  const firestore = openFirestore(project, settings.DERIVERY_DATABASE);
  const images = openImages(firestore);
  const sources = openSources(firestore);
  const hints = openHints(project, {
    pull: settings.DERIVERY_BUILDS_TOPIC,
    refresh: settings.DERIVERY_REFRESHES_TOPIC,
  });
  const policy = pullPolicy(settings);
  const asking = createAsking({ images, sources, hints, policy, log });
  const waiting = createWaiting({
    images,
    hints,
    log,
    policy,
    readPullState: openPullState(firestore, images, sources),
    asking,
    holdMs: settings.DERIVERY_HOLD_SECONDS * 1000,
  });
  const offer = offerOf(settings);
  const readRefList = openRefLists({ sources, asking, freshMs: policy.freshMs, log });
  return createRegistry({
    log,
    waiting,
    offer,
    settings: policy.settings,
    readKnownTags: openKnownTags(offer.sources, readRefList),
    manifests: openManifests(firestore),
    blobs: openBlobs(firestore),
    headDigest: settings.DERIVERY_HEAD_DIGEST,
    blobAddress: blobAddresses(settings),
  });
});

function blobAddresses(settings: RegistrySettings): BlobAddress {
  const baseUrl = settings.DERIVERY_BLOB_URL;
  return settings.DERIVERY_BUCKET_ACCESS === 'public'
    ? publicAddresses(baseUrl)
    : signedAddresses(baseUrl, openUrlSigner(settings.DERIVERY_SIGNING_ENDPOINT));
}
