import { fail, status, type ServiceHandlers } from '#local/grpc-server.ts';
import { checkNewDeadline } from './ack-deadline.ts';
import { checkAckIds } from './ack-id.ts';
import type { Broker } from './broker.ts';
import { pageOf } from './page.ts';
import { pull } from './pull.ts';
import { streamingPull } from './streaming-pull.ts';
import { describeSubscription, parsePush, parseSubscription } from './subscription-settings.ts';
import type {
  AcknowledgeRequest,
  ModifyAckDeadlineRequest,
  PageRequest,
  PullRequest,
  WirePushConfig,
  WireSubscription,
} from './wire.ts';

/** google.pubsub.v1.Subscriber, as far as Derivery uses it. */
export function subscriberService(broker: Broker, minimumAckDeadlineSeconds: number): ServiceHandlers {
  return {
    unary: {
      CreateSubscription(wire: WireSubscription) {
        const settings = parseSubscription(wire, minimumAckDeadlineSeconds);
        broker.createSubscription(settings);
        return describeSubscription(settings);
      },

      GetSubscription: ({ subscription }: { subscription: string }) =>
        describeSubscription(broker.subscription(subscription).settings),

      ListSubscriptions(request: PageRequest & { project: string }) {
        const all = broker.subscriptions().map(({ settings }) => settings);
        const own = all.filter(({ name }) => name.startsWith(`${request.project}/`));
        const { items, nextPageToken } = pageOf(own, ({ name }) => name, request);
        return { subscriptions: items.map(describeSubscription), nextPageToken };
      },

      DeleteSubscription({ subscription }: { subscription: string }) {
        broker.deleteSubscription(subscription);
        return {};
      },

      ModifyPushConfig(request: { subscription: string; pushConfig: WirePushConfig | null }) {
        broker.setPushEndpoint(request.subscription, parsePush(request.pushConfig));
        return {};
      },

      Acknowledge(request: AcknowledgeRequest) {
        broker.subscription(request.subscription).acknowledge(parseAckIds(request));
        return {};
      },

      ModifyAckDeadline(request: ModifyAckDeadlineRequest) {
        const subscription = broker.subscription(request.subscription);
        checkNewDeadline(request.ackDeadlineSeconds);
        for (const ackId of parseAckIds(request))
          subscription.modifyDeadline(ackId, request.ackDeadlineSeconds);
        return {};
      },

      Pull: (request: PullRequest, cancelled: AbortSignal) => pull(broker, request, cancelled),
    },
    bidi: {
      StreamingPull: call => streamingPull(broker, minimumAckDeadlineSeconds, call),
    },
  };
}

function parseAckIds({ ackIds }: AcknowledgeRequest): readonly string[] {
  if (ackIds.length === 0) fail(status.INVALID_ARGUMENT, 'No ack ids specified.');
  checkAckIds(ackIds);
  return ackIds;
}
