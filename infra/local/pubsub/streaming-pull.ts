import { fail, status, toStatusObject, type BidiCall } from '#local/grpc-server.ts';
import { checkAckDeadline, checkNewDeadline } from './ack-deadline.ts';
import { checkAckIds } from './ack-id.ts';
import type { Broker } from './broker.ts';
import { StreamConsumer } from './stream-consumer.ts';
import type { Subscription } from './subscription.ts';
import type { StreamingPullRequest } from './wire.ts';

/**
 * Serves one StreamingPull: the first request opens it, further ones acknowledge, change deadlines or keep it alive.
 * Rules: pubsub.proto, StreamingPullRequest.
 */
export function streamingPull(broker: Broker, minimumAckDeadlineSeconds: number, call: BidiCall): void {
  let subscription: Subscription | undefined;
  let consumer: StreamConsumer | undefined;
  const leave = (): void => {
    if (consumer) subscription?.detach(consumer);
  };
  call.on('data', (request: StreamingPullRequest) => {
    if (!call.writable) return; // it has ended; the client does not know yet
    try {
      if (subscription && consumer) {
        follow(subscription, consumer, request, minimumAckDeadlineSeconds);
      } else {
        subscription = subscriptionFor(broker, request, minimumAckDeadlineSeconds);
        consumer = new StreamConsumer(call, subscription, request);
        consumer.open();
        settle(subscription, request);
      }
    } catch (error) {
      leave();
      call.emit('error', toStatusObject(error));
    }
  });
  call.on('end', () => {
    leave();
    call.end();
  });
  call.on('close', leave);
}

function subscriptionFor(
  broker: Broker,
  request: StreamingPullRequest,
  minimumAckDeadlineSeconds: number,
): Subscription {
  const subscription = broker.subscription(request.subscription);
  const { settings } = subscription;
  checkAckDeadline(
    'stream_ack_deadline_seconds',
    request.streamAckDeadlineSeconds,
    minimumAckDeadlineSeconds,
  );
  if (settings.pushEndpoint !== null) {
    fail(status.FAILED_PRECONDITION, `Subscription is a push subscription: ${settings.name}`);
  }
  return subscription;
}

function follow(
  subscription: Subscription,
  consumer: StreamConsumer,
  request: StreamingPullRequest,
  minimumAckDeadlineSeconds: number,
): void {
  const {
    subscription: name,
    streamAckDeadlineSeconds,
    maxOutstandingMessages,
    maxOutstandingBytes,
  } = request;
  if (name !== '' || maxOutstandingMessages !== 0 || maxOutstandingBytes !== 0) {
    fail(
      status.INVALID_ARGUMENT,
      'The subscription and the flow control limits can only be set in the first request.',
    );
  }
  if (streamAckDeadlineSeconds !== 0) {
    checkAckDeadline('stream_ack_deadline_seconds', streamAckDeadlineSeconds, minimumAckDeadlineSeconds);
    consumer.ackDeadlineSeconds = streamAckDeadlineSeconds;
  }
  settle(subscription, request);
  consumer.answerKeepalive(request);
}

function settle(subscription: Subscription, request: StreamingPullRequest): void {
  const { ackIds, modifyDeadlineAckIds, modifyDeadlineSeconds } = request;
  if (modifyDeadlineAckIds.length !== modifyDeadlineSeconds.length) {
    fail(
      status.INVALID_ARGUMENT,
      'There must be as many modify_deadline_seconds as modify_deadline_ack_ids.',
    );
  }
  checkAckIds([...ackIds, ...modifyDeadlineAckIds]);
  modifyDeadlineSeconds.forEach(checkNewDeadline);
  subscription.acknowledge(ackIds);
  modifyDeadlineAckIds.forEach((ackId, index) => {
    subscription.modifyDeadline(ackId, modifyDeadlineSeconds[index] ?? 0);
  });
}
