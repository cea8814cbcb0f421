// Google's own client library, both its layers, on one server.
import { randomUUID } from 'node:crypto';
import {
  PubSub,
  v1,
  type CreateSubscriptionOptions,
  type Subscription,
  type Topic,
} from '@google-cloud/pubsub';
import { credentials } from '@grpc/grpc-js';

process.env['METADATA_SERVER_DETECTION'] = 'none';
process.env['GOOGLE_CLOUD_PROJECT'] = 'contract';

/** The parts of a received message that tests look at, in the client's low-level layer. */
export interface Pulled {
  readonly ackId: string;
  readonly deliveryAttempt: number;
  readonly message: {
    readonly data: Buffer;
    readonly attributes: Readonly<Record<string, string>>;
    readonly messageId: string;
  };
}

export class Clients {
  readonly pubsub: PubSub;
  /** One call is one request here: no batching of acknowledgements, no lease extension. */
  readonly subscriber: v1.SubscriberClient;

  constructor(address: string) {
    const [host = '', port = ''] = address.split(':');
    this.pubsub = new PubSub({ projectId: 'contract', apiEndpoint: address, emulatorMode: true });
    this.subscriber = new v1.SubscriberClient({
      projectId: 'contract',
      servicePath: host,
      port: Number(port),
      sslCreds: credentials.createInsecure(),
    });
  }

  async topic(): Promise<Topic> {
    const [topic] = await this.pubsub.createTopic(`topic-${randomUUID()}`);
    return topic;
  }

  async subscription(topic: Topic, options: CreateSubscriptionOptions = {}): Promise<Subscription> {
    const [subscription] = await topic.createSubscription(`subscription-${randomUUID()}`, options);
    return subscription;
  }

  /** A topic with a subscription, both fresh. */
  async pair(options: CreateSubscriptionOptions = {}): Promise<{ topic: Topic; subscription: Subscription }> {
    const topic = await this.topic();
    return { topic, subscription: await this.subscription(topic, options) };
  }

  /** Waits for one message, without flow control or lease extension. */
  async pullOne(subscription: Subscription): Promise<Pulled> {
    for (;;) {
      const [{ receivedMessages }] = await this.subscriber.pull({
        subscription: subscription.name,
        maxMessages: 1,
      });
      const [received] = receivedMessages ?? [];
      if (received) return received as Pulled;
    }
  }

  /** What is ready at this moment. */
  async pullReady(subscription: Subscription): Promise<Pulled[]> {
    const [{ receivedMessages }] = await this.subscriber.pull({
      subscription: subscription.name,
      maxMessages: 100,
      returnImmediately: true,
    });
    return (receivedMessages ?? []) as Pulled[];
  }

  async acknowledge(subscription: Subscription, ...ackIds: string[]): Promise<void> {
    await this.subscriber.acknowledge({ subscription: subscription.name, ackIds });
  }

  async modifyDeadline(subscription: Subscription, ackId: string, ackDeadlineSeconds: number): Promise<void> {
    await this.subscriber.modifyAckDeadline({
      subscription: subscription.name,
      ackIds: [ackId],
      ackDeadlineSeconds,
    });
  }

  async close(): Promise<void> {
    await this.subscriber.close();
    await this.pubsub.close();
  }
}
