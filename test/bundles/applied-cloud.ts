// Google Cloud as a deployment has it after `terraform apply`: services that speak its protocols, and in them what the state says, under
// its names, and nothing else. What a program asks for by another name is not there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';
import { z } from 'zod';
import type { Machine } from '#local/compute/machine.ts';
import { startCompute } from '#local/compute/server.ts';
import { startFirestore } from '#local/firestore/server.ts';
import { startIamCredentials } from '#local/iam-credentials/server.ts';
import { startMetadata } from '#local/metadata/server.ts';
import { startPubSub } from '#local/pubsub/server.ts';
import { startStorage } from '#local/storage/server.ts';
import type { PlannedResource } from '#test/infra/terraform/planned.ts';

export interface AppliedCloud extends AsyncDisposable {
  /** Where programs find Google's services. */
  readonly environment: Readonly<Record<string, string>>;
  /** `http://127.0.0.1:PORT`, in the place of https://storage.googleapis.com. */
  readonly storageUrl: string;
  /** Folders at the top of a bucket, as `blobs/`. */
  folders(bucket: string): Promise<string[]>;
  /** An object's content. */
  read(bucket: string, name: string): Promise<Buffer>;
  /** Delivers the messages of a function's trigger to this port, as Eventarc does. */
  trigger(address: string, port: number): Promise<void>;
  /** Runs a job of Cloud Scheduler: publishes its message. */
  run(address: string): Promise<void>;
}

const topicSchema = z.object({ id: z.string() });

const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform(text => ({ seconds: Number(text.slice(0, -1)) }));

const subscriptionSchema = z.object({
  name: z.string(),
  topic: z.string(),
  ack_deadline_seconds: z.number(),
  retry_policy: z.tuple([z.object({ minimum_backoff: seconds, maximum_backoff: seconds })]),
});

const bucketSchema = z.object({ name: z.string() });

const objectSchema = z.object({ bucket: z.string(), name: z.string(), source: z.string() });

const functionSchema = z.object({
  name: z.string(),
  event_trigger: z.tuple([z.object({ pubsub_topic: z.string() })]),
});

const jobSchema = z.object({
  pubsub_target: z.tuple([z.object({ topic_name: z.string(), data: z.base64() })]),
});

interface Place {
  readonly project: string;
  /** Whom programs run as. */
  readonly account: string;
  /** What files are relative to: the root module's. */
  readonly module: string;
  /** Where the services keep their data. */
  readonly data: string;
  /** What goes on in the worker's machine. */
  readonly machine: Machine;
}

/** Starts the services in this process, and makes what is `applied`. */
export async function startAppliedCloud(
  applied: readonly PlannedResource[],
  { project, account, module, data: dataFolder, machine }: Place,
): Promise<AppliedCloud> {
  await using starting = new AsyncDisposableStack();
  const closing = <T extends { close(): Promise<unknown> }>(service: T): T =>
    starting.adopt(service, async () => void (await service.close()));
  const iam = closing(await startIamCredentials({ dataFolder: join(dataFolder, 'iam') }));
  const metadata = closing(await startMetadata({ email: account }));
  const firestore = closing(await startFirestore());
  const queue = closing(await startPubSub());
  const objects = closing(
    await startStorage({
      dataFolder: join(dataFolder, 'storage'),
      verifyKey: email => iam.publicKeyOf(email),
      publicRead: applied.some(
        ({ type, values }) => type === 'google_storage_bucket_iam_member' && values['member'] === 'allUsers',
      ),
    }),
  );
  const { id: instance } = one('google_compute_instance.worker[0]', z.object({ id: z.string() }));
  const compute = closing(await startCompute({ instance, machine }));
  const environment = {
    FIRESTORE_EMULATOR_HOST: firestore.address,
    PUBSUB_EMULATOR_HOST: queue.address,
    STORAGE_EMULATOR_HOST: objects.url,
    GCE_METADATA_HOST: metadata.host,
    DERIVERY_COMPUTE_ENDPOINT: compute.endpoint,
    DERIVERY_SIGNING_ENDPOINT: iam.signingEndpoint,
  };
  const pubsub = closing(new PubSub({ projectId: project, apiEndpoint: queue.address, emulatorMode: true }));
  const storage = new Storage({ projectId: project, apiEndpoint: objects.url });

  function all<T>(type: string, schema: z.ZodType<T>): T[] {
    return applied.filter(resource => resource.type === type).map(({ values }) => schema.parse(values));
  }

  function one<T>(address: string, schema: z.ZodType<T>): T {
    const found = applied.find(resource => resource.address === address);
    assert.ok(found, `${address} is there`);
    return schema.parse(found.values);
  }

  for (const { id } of all('google_pubsub_topic', topicSchema)) await pubsub.createTopic(id);
  for (const subscription of all('google_pubsub_subscription', subscriptionSchema)) {
    const { minimum_backoff: minimumBackoff, maximum_backoff: maximumBackoff } = subscription.retry_policy[0];
    // The stand-in keeps what nobody acknowledges for a week, and no other time.
    await pubsub.createSubscription(subscription.topic, subscription.name, {
      ackDeadlineSeconds: subscription.ack_deadline_seconds,
      retryPolicy: { minimumBackoff, maximumBackoff },
    });
  }
  for (const { name } of all('google_storage_bucket', bucketSchema)) await storage.createBucket(name);
  for (const { bucket, name, source } of all('google_storage_bucket_object', objectSchema)) {
    const content = await readFile(resolve(module, source));
    await storage.bucket(bucket).file(name).save(content, { resumable: false });
  }

  const running = starting.move();
  return {
    environment,
    storageUrl: objects.url,
    async folders(bucket) {
      const [files] = await storage.bucket(bucket).getFiles();
      return [...new Set(files.map(({ name }) => name.replace(/[^/]+$/, '').replace(/\/.*/, '/')))];
    },
    async read(bucket, name) {
      const [content] = await storage.bucket(bucket).file(name).download();
      return content;
    },
    async trigger(address, port) {
      const { name, event_trigger: triggers } = one(address, functionSchema);
      const [{ pubsub_topic: topic }] = triggers;
      const pushConfig = { pushEndpoint: `http://127.0.0.1:${port}/${topic}` };
      await pubsub.createSubscription(topic, `eventarc-${name}`, { pushConfig });
    },
    async run(address) {
      const [{ topic_name: topic, data }] = one(address, jobSchema).pubsub_target;
      await pubsub.topic(topic).publishMessage({ data: Buffer.from(data, 'base64') });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
