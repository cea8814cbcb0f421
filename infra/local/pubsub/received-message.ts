import type { Lease } from './consumer.ts';
import type { SubscriptionSettings } from './subscription-settings.ts';
import { toWireTime, type WireReceivedMessage } from './wire.ts';

/** A leased message as a subscriber gets it. Attempts are only told where there is a dead letter policy (pubsub.proto). */
export function receivedMessage(
  { ackId, message, attempt }: Lease,
  { deadLetter }: SubscriptionSettings,
): WireReceivedMessage {
  return {
    ackId,
    message: {
      data: message.data,
      attributes: message.attributes,
      messageId: message.id,
      publishTime: toWireTime(message.publishTime),
      orderingKey: '',
    },
    deliveryAttempt: deadLetter ? attempt : 0,
  };
}
