// The bucket, topics and subscriptions that Terraform creates in the cloud.
import type { PubSub } from '@google-cloud/pubsub';
import { ApiError, type Storage } from '@google-cloud/storage';
import { z } from 'zod';

export const BUCKET = 'derivery';

/** Topics that workers pull from, through the subscription of the same name. */
const PULLED_TOPICS = ['builds', 'refreshes'] as const;

/** Topics whose messages are posted to a function. */
const PUSHED_TOPICS = ['prebuilds', 'maintenance'] as const;
export type PushedTopic = (typeof PUSHED_TOPICS)[number];

/** Sent to the stand-ins: a function listens on this port of the machine, and wants the messages of this topic. */
export const pushMessageSchema = z.object({
  type: z.literal('push'),
  topic: z.enum(PUSHED_TOPICS),
  port: z.number(),
});
export type PushMessage = z.infer<typeof pushMessageSchema>;

/** A dead worker's message is back in a minute; a live one extends the deadline. */
const ACK_DEADLINE_SECONDS = 60;

/** A hint that is given back comes again soon, but no build is tried over and over without a pause. */
const RETRY_POLICY = { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 60 } };

/** Of every subscription that is pulled from. */
export const SUBSCRIPTION = { ackDeadlineSeconds: ACK_DEADLINE_SECONDS, retryPolicy: RETRY_POLICY };

/**
 * A function works on a message for as long as its request may take, with none of Google's clients to extend the deadline:
 * one that is over sends it again, and runs that are in each other's way take longer still.
 */
const PUSHED = { ...SUBSCRIPTION, ackDeadlineSeconds: 600 };

const ALREADY_EXISTS = 6;

/** Creates what is not there yet: on a second start everything is. */
export async function createResources(pubsub: PubSub, storage: Storage): Promise<void> {
  const subscribe = async (topic: string, settings: typeof SUBSCRIPTION): Promise<void> => {
    await createIfAbsent(pubsub.createTopic(topic));
    await createIfAbsent(pubsub.createSubscription(topic, topic, settings));
  };
  await Promise.all([
    storage.createBucket(BUCKET).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.code === 409)) throw error;
    }),
    ...PULLED_TOPICS.map(topic => subscribe(topic, SUBSCRIPTION)),
    // Before functions say where they listen: what is published until then waits for them.
    ...PUSHED_TOPICS.map(topic => subscribe(topic, PUSHED)),
  ]);
}

/**
 * Has the messages of a topic posted to a function on this machine, as Eventarc does. The path names the topic:
 * functions-framework finds it there.
 */
export async function pushTo(pubsub: PubSub, topic: PushedTopic, port: number): Promise<void> {
  const pushConfig = {
    pushEndpoint: `http://127.0.0.1:${port}/projects/${pubsub.projectId}/topics/${topic}`,
  };
  await pubsub.subscription(topic).modifyPushConfig(pushConfig);
}

async function createIfAbsent(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
