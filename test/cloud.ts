// Google Cloud for one test file: the stand-ins in this process, what Terraform creates in them, and our adapters on top.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Firestore } from '@google-cloud/firestore';
import { PubSub, v1 } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';
import { credentials } from '@grpc/grpc-js';
import { openFirestore } from '#core/google/firestore.ts';
import { openHints, type Hints } from '#core/google/hints.ts';
import type { Claimant } from '#core/google/image-holding.ts';
import { openImages, type Images } from '#core/google/images.ts';
import { openPullState, type ReadPullState } from '#core/google/pull-state.ts';
import { openSources, type Sources } from '#core/google/sources.ts';
import { decodeHint } from '#core/hint.ts';
import type { Build, Priority } from '#core/image-document.ts';
import { isClaimable } from '#core/image-life.ts';
import { parseImageRequest, requestKey, type ImageRequest, type RequestKey } from '#core/image-request.ts';
import type { PackageSource } from '#core/package-source.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import type { SourceKey } from '#core/source-document.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';
import { startFirestore } from '#local/firestore/server.ts';
import { startPubSub } from '#local/pubsub/server.ts';
import type { Fault } from '#local/storage/faults.ts';
import { startStorage } from '#local/storage/server.ts';

export const PROJECT = 'test';
export const BUCKET = 'blobs-of-the-test';
export const TOPICS: Readonly<Record<Priority, string>> = { pull: 'builds', refresh: 'refreshes' };

/** A worker that claims, with a lease that no test outlives where nothing else is said. */
export function claimant(token: string, durationSeconds = 600): Claimant {
  return { token, durationSeconds, settings: SETTINGS };
}

// Google's clients look for a metadata server otherwise, and wait for it.
process.env['METADATA_SERVER_DETECTION'] = 'none';

export interface Asked {
  readonly key: RequestKey;
  readonly request: ImageRequest;
  /** The repository's name that asks for it. */
  readonly name: string;
}

export class Cloud implements AsyncDisposable {
  readonly firestore: Firestore;
  readonly images: Images;
  readonly sources: Sources;
  readonly readPullState: ReadPullState;
  readonly hints: Hints;
  readonly pubsub: PubSub;
  readonly storageUrl: string;
  /** What Cloud Storage's next requests are struck by. */
  readonly storageFaults: Fault[];
  readonly #subscriber: v1.SubscriberClient;
  readonly #stop: () => Promise<void>;
  #asked = 0;

  private constructor(
    storageUrl: string,
    storageFaults: Fault[],
    subscriber: v1.SubscriberClient,
    stop: () => Promise<void>,
  ) {
    this.firestore = openFirestore(PROJECT, '(default)');
    this.images = openImages(this.firestore);
    this.sources = openSources(this.firestore);
    this.readPullState = openPullState(this.firestore, this.images, this.sources);
    this.hints = openHints(PROJECT, TOPICS);
    this.pubsub = new PubSub({ projectId: PROJECT });
    this.storageUrl = storageUrl;
    this.storageFaults = storageFaults;
    this.#subscriber = subscriber;
    this.#stop = stop;
  }

  /**
   * Starts everything, and has Google's clients in this process find it. `wallClock`: what the time of Firestore and the bucket follows, in
   * milliseconds, where it is not to be the machine's.
   */
  static async start({ wallClock = Date.now }: { readonly wallClock?: () => number } = {}): Promise<Cloud> {
    const dataFolder = await mkdtemp(join(tmpdir(), 'derivery-cloud-'));
    const faults: Fault[] = [];
    const [database, queue, objects] = await Promise.all([
      startFirestore({ wallClock }),
      startPubSub({ minimumAckDeadlineSeconds: 1 }),
      startStorage({ dataFolder, faults, now: wallClock }),
    ]);
    process.env['FIRESTORE_EMULATOR_HOST'] = database.address;
    process.env['PUBSUB_EMULATOR_HOST'] = queue.address;
    process.env['STORAGE_EMULATOR_HOST'] = objects.url;
    const subscriber = new v1.SubscriberClient({
      projectId: PROJECT,
      servicePath: '127.0.0.1',
      port: queue.port,
      sslCreds: credentials.createInsecure(),
    });
    const cloud = new Cloud(objects.url, faults, subscriber, async () => {
      await Promise.all([database.close(), queue.close(), objects.close()]);
      await rm(dataFolder, { recursive: true, force: true });
    });
    try {
      await cloud.#createResources();
    } catch (error) {
      await cloud[Symbol.asyncDispose]();
      throw error;
    }
    return cloud;
  }

  async #createResources(): Promise<void> {
    await new Storage({ projectId: PROJECT }).createBucket(BUCKET);
    for (const name of Object.values(TOPICS)) {
      const [topic] = await this.pubsub.createTopic(name);
      await topic.createSubscription(name);
    }
  }

  /** An image that no other test asks for. */
  newImage(source: PackageSource = { kind: 'debian' }): Asked {
    this.#asked += 1;
    const name = `package-${this.#asked}`;
    const request = parseImageRequest(parseRepositoryName(name), parseTag('latest'), offerOf(source));
    return { key: requestKey(request, SETTINGS), request, name };
  }

  /** An image whose build is queued: with a document, and without a hint. */
  async newQueued(by: Priority = 'pull', source?: PackageSource): Promise<Asked> {
    const asked = this.newImage(source);
    const seen = await this.images.read(asked.key);
    await this.images.queue(asked.key, asked.request, { by, settings: SETTINGS }, seen);
    return asked;
  }

  /** The state of a build whose document is there. */
  async buildOf(key: RequestKey): Promise<Build> {
    const { document } = await this.images.read(key);
    if (document === undefined) throw new Error('there is no such image');
    return document.build;
  }

  /** Waits, by the server's clock, until a worker may take the build. */
  async untilClaimable(key: RequestKey): Promise<void> {
    for (;;) {
      const { document, readTime } = await this.images.read(key);
      if (document !== undefined && isClaimable(document.build, readTime)) return;
    }
  }

  /** Has a worker `token` take a build that another has: by making its lease one that ended long ago. */
  async takeOver(key: RequestKey, token: string): Promise<void> {
    const reference = this.firestore.collection('images').doc(key);
    // The other may renew in between.
    do await reference.update({ 'build.lease.renewedAt': new Date(0) });
    while ((await this.images.claim(key, claimant(token))).kind !== 'claimed');
  }

  /** Takes the hints that lie ready on a topic, without waiting for more. */
  async takeHints(priority: Priority): Promise<(RequestKey | SourceKey | undefined)[]> {
    const subscription = `projects/${PROJECT}/subscriptions/${TOPICS[priority]}`;
    const [{ receivedMessages }] = await this.#subscriber.pull({
      subscription,
      maxMessages: 1_000,
      returnImmediately: true,
    });
    const received = receivedMessages ?? [];
    if (received.length > 0) {
      await this.#subscriber.acknowledge({ subscription, ackIds: received.map(({ ackId }) => ackId ?? '') });
    }
    return received.map(({ message }) => decodeHint(Buffer.from(message?.data ?? ''))?.key);
  }

  /** How many messages lie ready in a subscription, with no worker. They stay there. */
  async readyIn(subscriptionName: string): Promise<number> {
    const subscription = `projects/${PROJECT}/subscriptions/${subscriptionName}`;
    const [{ receivedMessages }] = await this.#subscriber.pull({
      subscription,
      maxMessages: 1_000,
      returnImmediately: true,
    });
    const ackIds = (receivedMessages ?? []).map(({ ackId }) => ackId ?? '');
    if (ackIds.length > 0) {
      await this.#subscriber.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 });
    }
    return ackIds.length;
  }

  /** Waits for hints at an image or a source, takes them and all others on the topic; answers how many there were of it. */
  async hintsAt(key: RequestKey | SourceKey, priority: Priority): Promise<number> {
    for (;;) {
      const hints = (await this.takeHints(priority)).filter(hinted => hinted === key);
      if (hints.length > 0) return hints.length;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.firestore.terminate();
    await this.#subscriber.close();
    await this.pubsub.close();
    await this.#stop();
  }
}
