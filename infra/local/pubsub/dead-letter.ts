import type { Content, Message } from './message.ts';
import { partsOf } from './resource-name.ts';
import type { SubscriptionSettings } from './subscription-settings.ts';

/** What is published to a dead letter topic: the message, and where it comes from ("Handle message failures", Dead-letter topics). */
export function deadLetterContent(
  from: SubscriptionSettings,
  { data, attributes, publishTime }: Message,
  attempts: number,
): Content {
  const { project, id } = partsOf(from.name);
  return {
    data,
    attributes: {
      ...attributes,
      CloudPubSubDeadLetterSourceDeliveryCount: String(attempts),
      CloudPubSubDeadLetterSourceSubscription: id,
      CloudPubSubDeadLetterSourceSubscriptionProject: project,
      CloudPubSubDeadLetterSourceTopicPublishTime: new Date(publishTime).toISOString(),
    },
  };
}
