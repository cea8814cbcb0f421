// One program with all that Google Cloud does for a local system: its services, what Terraform creates in them, and
// Cloud Scheduler.
import { PubSub } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';
import { z } from 'zod';
import { createLog } from '#core/google/log.ts';
import { readSettings } from '#core/google/settings.ts';
import { startFirestore } from './firestore/server.ts';
import { startIamCredentials } from './iam-credentials/server.ts';
import { startMetadata } from './metadata/server.ts';
import { runEntry, sayReady } from './program-entry.ts';
import { startPubSub } from './pubsub/server.ts';
import { BUCKET, createResources, pushMessageSchema, pushTo } from './resources.ts';
import { startScheduler } from './scheduler.ts';
import { startStorage } from './storage/server.ts';

const schema = z.object({
  GOOGLE_CLOUD_PROJECT: z.string(),
  /** The folder that each service keeps its data in. */
  STAND_INS_FIRESTORE: z.string(),
  STAND_INS_PUBSUB: z.string(),
  STAND_INS_STORAGE: z.string(),
  STAND_INS_IAM: z.string(),
  /** The registry's setting: what Terraform makes the bucket. */
  DERIVERY_BUCKET_ACCESS: z.enum(['public', 'private']).default('public'),
});

const log = createLog('stand-ins');

await runEntry(log, async () => {
  const settings = readSettings(schema, process.env);
  const projectId = settings.GOOGLE_CLOUD_PROJECT;

  const iam = await startIamCredentials({ dataFolder: settings.STAND_INS_IAM });
  const [metadata, firestore, queue, objects] = await Promise.all([
    startMetadata({ email: `functions@${projectId}.iam.gserviceaccount.com` }),
    startFirestore({ dataFolder: settings.STAND_INS_FIRESTORE }),
    startPubSub({ dataFolder: settings.STAND_INS_PUBSUB }),
    startStorage({
      dataFolder: settings.STAND_INS_STORAGE,
      verifyKey: email => iam.publicKeyOf(email),
      publicRead: settings.DERIVERY_BUCKET_ACCESS === 'public',
    }),
  ]);
  const environment = {
    FIRESTORE_EMULATOR_HOST: firestore.address,
    PUBSUB_EMULATOR_HOST: queue.address,
    STORAGE_EMULATOR_HOST: objects.url,
    GCE_METADATA_HOST: metadata.host,
    DERIVERY_SIGNING_ENDPOINT: iam.signingEndpoint,
    DERIVERY_BUCKET: BUCKET,
    DERIVERY_BLOB_URL: `${objects.url}/${BUCKET}/blobs`,
  };

  // From here on a client of these services like any other.
  Object.assign(process.env, environment);
  const pubsub = new PubSub({ projectId });
  await createResources(pubsub, new Storage({ projectId }));
  const maintenance = pubsub.topic('maintenance');
  startScheduler(
    () => maintenance.publishMessage({ json: {} }),
    (error: unknown) => log.error({ error }, 'the scheduler could not publish'),
  );
  process.on('message', message => {
    const push = pushMessageSchema.safeParse(message);
    if (!push.success) return;
    pushTo(pubsub, push.data.topic, push.data.port).catch((error: unknown) => {
      log.error({ error, topic: push.data.topic }, 'messages cannot be delivered to a function');
    });
  });

  const closeAll = async (): Promise<void> => {
    await Promise.all([metadata.close(), firestore.close(), queue.close(), objects.close(), iam.close()]);
    process.exit(0);
  };
  process.once('SIGTERM', () => void closeAll());
  sayReady({ environment });
});
