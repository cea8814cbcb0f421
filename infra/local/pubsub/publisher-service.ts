import type { ServiceHandlers } from '#local/grpc-server.ts';
import type { Broker } from './broker.ts';
import { parseMessages } from './message.ts';
import { pageOf } from './page.ts';
import { parseTopic } from './topic-settings.ts';
import type { PageRequest, WireMessage, WireTopic } from './wire.ts';

/** google.pubsub.v1.Publisher, as far as Derivery uses it. */
export function publisherService(broker: Broker): ServiceHandlers {
  return {
    unary: {
      CreateTopic(wire: WireTopic) {
        const topic = parseTopic(wire);
        broker.createTopic(topic);
        return topic;
      },

      GetTopic: ({ topic }: { topic: string }) => broker.topic(topic),

      ListTopics(request: PageRequest & { project: string }) {
        const topics = broker.topics().filter(({ name }) => name.startsWith(`${request.project}/`));
        const { items, nextPageToken } = pageOf(topics, ({ name }) => name, request);
        return { topics: items, nextPageToken };
      },

      ListTopicSubscriptions(request: PageRequest & { topic: string }) {
        broker.topic(request.topic);
        const names = broker.subscriptionsOf(request.topic).map(({ settings }) => settings.name);
        const { items, nextPageToken } = pageOf(names, name => name, request);
        return { subscriptions: items, nextPageToken };
      },

      DeleteTopic({ topic }: { topic: string }) {
        broker.deleteTopic(topic);
        return {};
      },

      Publish: ({ topic, messages }: { topic: string; messages: readonly WireMessage[] }) => ({
        messageIds: broker.publish(topic, parseMessages(messages)),
      }),
    },
  };
}
