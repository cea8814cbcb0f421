// Publishing hints. Pub/Sub's client loads on the first miss only: a hit never needs it, and it is heavy.
import type { PubSub, Topic } from '@google-cloud/pubsub';
import { encodeHint, type HintTarget } from '../hint.ts';
import type { Priority } from '../image-document.ts';

/** The client's own would go on for ten minutes: a hint that late is worth nothing. Milliseconds. */
const PUBLISH_BACKOFF = {
  initialRetryDelayMillis: 100,
  retryDelayMultiplier: 1.3,
  maxRetryDelayMillis: 1_000,
  initialRpcTimeoutMillis: 3_000,
  rpcTimeoutMultiplier: 1,
  maxRpcTimeoutMillis: 3_000,
  totalTimeoutMillis: 8_000,
};

export interface HintTopics {
  readonly pull: string;
  readonly refresh: string;
}

export type Hints = ReturnType<typeof openHints>;

export function openHints(projectId: string, topics: HintTopics) {
  let client: Promise<PubSub> | undefined;
  const opened = new Map<Priority, Topic>();

  async function topicFor(priority: Priority): Promise<Topic> {
    client ??= import('@google-cloud/pubsub').then(({ PubSub }) => new PubSub({ projectId }));
    const pubsub = await client;
    let topic = opened.get(priority);
    if (topic === undefined) {
      topic = pubsub.topic(topics[priority], {
        // Someone waits: nothing is gained by collecting messages.
        batching: { maxMessages: 1 },
        gaxOpts: { retry: { backoffSettings: PUBLISH_BACKOFF } },
      });
      opened.set(priority, topic);
    }
    return topic;
  }

  return {
    /** Tells the workers to look at a document. Resolves when Pub/Sub has the message. */
    async send(target: HintTarget, priority: Priority): Promise<void> {
      const topic = await topicFor(priority);
      await topic.publishMessage({ data: encodeHint(target) });
    },
  };
}
