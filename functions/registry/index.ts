// Entry of the Cloud Function "registry": a plain (request, response) handler for the functions framework.
import { openBlobs } from '#core/google/blobs.ts';
import { openBuildLogs } from '#core/google/build-logs.ts';
import { openFirestore, READ_LIMIT_MS } from '#core/google/firestore.ts';
import { openHints } from '#core/google/hints.ts';
import { openImages } from '#core/google/images.ts';
import { createLog } from '#core/google/log.ts';
import { openManifests } from '#core/google/manifests.ts';
import { openQuotas } from '#core/google/quotas.ts';
import { openPullState } from '#core/google/pull-state.ts';
import { offerOf, pullPolicy } from '#core/google/deployment-settings.ts';
import {
  answeredMs,
  notedEveryMs,
  retentionOf,
  signedSeconds,
  type Retention,
} from '#core/google/retention-settings.ts';
import { openSources } from '#core/google/sources.ts';
import { openUrlSigner } from '#core/google/url-signer.ts';
import { createAsking } from '../asking.ts';
import { startOrExit } from '../start-or-exit.ts';
import { openWorkerMachine } from '../worker-machine/worker-machine.ts';
import { openAccess } from './auth/open-access.ts';
import { publicAddresses, signedAddresses, type BlobAddress } from './blob-addresses.ts';
import { clientAddressBehind } from './client-address.ts';
import { createHops } from './hop.ts';
import { createLastUses } from './last-uses.ts';
import { watchLastMoments } from './last-moments.ts';
import { createOpenRequests } from './open-requests.ts';
import { openKnownTags } from './known-tags.ts';
import { openAccounts } from './limits/account.ts';
import { createAdmission } from './limits/admission.ts';
import { watchFirstRequests } from './limits/first-requests.ts';
import { limitsOf } from './limits/limit-settings.ts';
import { createNewBuilds } from './limits/new-builds.ts';
import { createPullRate } from './limits/pull-rate.ts';
import { openRefLists } from './ref-lists.ts';
import { takeServer } from './take-server.ts';
import { createRegistry, type RequestHandler } from './registry.ts';
import { createSendOn } from './send-on.ts';
import { holdsOf, readRegistrySettings, type RegistrySettings } from './settings.ts';
import { createWaiting } from './waiting.ts';
import { createWaitingRoom } from './waiting-room.ts';
import { createWantedImages } from './wanted-images.ts';

const log = createLog('registry');
const openRequests = createOpenRequests();
// At once: before functions-framework listens for the same.
watchLastMoments(log, () => openRequests.sendAllOn());

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
  const retention = retentionOf(settings);
  const trustedMs = notedEveryMs(retention);
  const manifests = openManifests(firestore, {
    cacheBytes: settings.DERIVERY_MANIFEST_CACHE_MB * 1e6,
    trustedMs,
    answeredMs: answeredMs(retention),
  });
  const lastUses = createLastUses({ images, manifests, log, notedEveryMs: trustedMs });
  const waiting = createWaiting({
    images,
    hints,
    machine: openWorkerMachine(settings, log),
    log,
    policy,
    readPullState: openPullState(firestore, images, sources),
    asking,
    room: createWaitingRoom(settings.DERIVERY_CONCURRENCY),
    newBuilds: createNewBuilds(openQuotas(firestore), READ_LIMIT_MS),
    readLimitMs: READ_LIMIT_MS,
    cacheMs: settings.DERIVERY_TAG_CACHE_SECONDS * 1000,
    lastUses,
  });
  const hops = createHops(settings.DERIVERY_HOP_SECRET);
  const offer = offerOf(settings);
  const readRefList = openRefLists({ sources, asking, freshMs: policy.freshMs, log });
  return createRegistry({
    log,
    waiting,
    hops,
    sendOn: createSendOn({
      hops,
      totalWaitMs: settings.DERIVERY_TOTAL_WAIT_SECONDS * 1000,
      retryAfterSeconds: settings.DERIVERY_RETRY_SECONDS,
    }),
    holdMs: holdsOf(settings),
    access: openAccess(settings, clientAddressBehind(settings.DERIVERY_TRUSTED_PROXIES), log),
    admit: createAdmission({
      accountOf: openAccounts(limitsOf(settings), settings.DERIVERY_HOP_SECRET[0]),
      isFirstRequest: watchFirstRequests(),
      pullRate: createPullRate(),
    }),
    openRequests,
    buildLogs: openBuildLogs(firestore),
    offer,
    wantImage: createWantedImages(offer, policy.settings),
    readKnownTags: openKnownTags(offer.sources, readRefList),
    manifests,
    lastUses,
    blobs: openBlobs(firestore),
    headDigest: settings.DERIVERY_HEAD_DIGEST,
    blobAddress: blobAddresses(settings, retention),
  });
});

takeServer(registry);

function blobAddresses(settings: RegistrySettings, retention: Retention): BlobAddress {
  const baseUrl = settings.DERIVERY_BLOB_URL;
  if (settings.DERIVERY_BUCKET_ACCESS === 'public') return publicAddresses(baseUrl);
  return signedAddresses(
    baseUrl,
    openUrlSigner(settings.DERIVERY_SIGNING_ENDPOINT),
    signedSeconds(retention),
  );
}
