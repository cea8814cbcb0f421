import { fail, status } from '#local/grpc-server.ts';
import { checkAckDeadline } from './ack-deadline.ts';
import { isGiven, refuse } from './refuse.ts';
import { checkResourceName } from './resource-name.ts';
import {
  fromWireTime,
  toWireTime,
  type WireDeadLetterPolicy,
  type WirePushConfig,
  type WireRetryPolicy,
  type WireSubscription,
} from './wire.ts';

export interface RetryPolicy {
  readonly minimumMilliseconds: number;
  readonly maximumMilliseconds: number;
}

export interface DeadLetterPolicy {
  readonly topic: string;
  readonly maxAttempts: number;
}

export interface SubscriptionSettings {
  readonly name: string;
  readonly topic: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ackDeadlineSeconds: number;
  readonly retry: RetryPolicy | null;
  readonly deadLetter: DeadLetterPolicy | null;
  /** Where messages are POSTed to; null where they are pulled. */
  readonly pushEndpoint: string | null;
}

/** Messages that nobody acknowledged for this long are dropped: Google's default, 7 days, and the only one here. */
export const retentionMilliseconds = 7 * 24 * 3600 * 1000;

/**
 * Reads a subscription to be created. Defaults and limits are those of pubsub.proto; `minimumAckDeadlineSeconds`
 * is 10 at Google, and less where tests cannot wait.
 * @throws RpcError INVALID_ARGUMENT or OUT_OF_RANGE for bad values, UNIMPLEMENTED for features that are not there
 */
export function parseSubscription(
  wire: WireSubscription,
  minimumAckDeadlineSeconds: number,
): SubscriptionSettings {
  checkResourceName('subscriptions', wire.name);
  refuseUnused(wire);
  return {
    name: wire.name,
    topic: wire.topic,
    labels: wire.labels,
    ackDeadlineSeconds: parseAckDeadline(wire.ackDeadlineSeconds, minimumAckDeadlineSeconds),
    retry: wire.retryPolicy && parseRetry(wire.retryPolicy),
    deadLetter: wire.deadLetterPolicy && parseDeadLetter(wire.deadLetterPolicy),
    pushEndpoint: parsePush(wire.pushConfig),
  };
}

/** The subscription as Google describes it to its clients. */
export function describeSubscription(settings: SubscriptionSettings): object {
  const { name, topic, labels, ackDeadlineSeconds, retry, deadLetter, pushEndpoint } = settings;
  return {
    name,
    topic,
    labels,
    ackDeadlineSeconds,
    pushConfig: { pushEndpoint: pushEndpoint ?? '' },
    retryPolicy: retry && {
      minimumBackoff: toWireTime(retry.minimumMilliseconds),
      maximumBackoff: toWireTime(retry.maximumMilliseconds),
    },
    deadLetterPolicy: deadLetter && {
      deadLetterTopic: deadLetter.topic,
      maxDeliveryAttempts: deadLetter.maxAttempts,
    },
    messageRetentionDuration: toWireTime(retentionMilliseconds),
    state: 'ACTIVE',
  };
}

/**
 * The endpoint of a push configuration, or null where it says that messages are pulled.
 * @throws RpcError INVALID_ARGUMENT, UNIMPLEMENTED
 */
export function parsePush(push: WirePushConfig | null): string | null {
  if (push === null) return null;
  const { 'x-goog-version': version = 'v1', ...otherAttributes } = push.attributes;
  refuse({
    'signed push requests (OIDC tokens)': Boolean(push.oidcToken),
    'push without the wrapper': Boolean(push.noWrapper),
    'push attributes other than x-goog-version v1': version !== 'v1' || isGiven(otherAttributes),
  });
  if (push.pushEndpoint === '') return null;
  const url = URL.parse(push.pushEndpoint);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    fail(status.INVALID_ARGUMENT, `Unsupported push_endpoint: ${push.pushEndpoint}`);
  }
  return push.pushEndpoint;
}

function refuseUnused(wire: WireSubscription): void {
  const retention = wire.messageRetentionDuration;
  refuse({
    filters: wire.filter !== '',
    'message ordering': wire.enableMessageOrdering,
    'exactly-once delivery': wire.enableExactlyOnceDelivery,
    'retention of acknowledged messages': wire.retainAckedMessages,
    'a message retention other than 7 days':
      retention !== null && fromWireTime(retention) !== retentionMilliseconds,
    'subscriptions that expire': Boolean(wire.expirationPolicy?.ttl),
    'BigQuery subscriptions': wire.bigqueryConfig !== null,
    'Cloud Storage subscriptions': wire.cloudStorageConfig !== null,
    'Bigtable subscriptions': wire.bigtableConfig !== null,
    'message transforms': isGiven(wire.messageTransforms),
    'tags on subscriptions': isGiven(wire.tags),
  });
}

function parseAckDeadline(seconds: number, minimumSeconds: number): number {
  if (seconds === 0) return 10;
  checkAckDeadline('ack_deadline_seconds', seconds, minimumSeconds);
  return seconds;
}

function parseRetry(wire: WireRetryPolicy): RetryPolicy {
  const minimum = parseBackoff('minimum_backoff', wire.minimumBackoff, 10);
  const maximum = parseBackoff('maximum_backoff', wire.maximumBackoff, 600);
  if (maximum < minimum) {
    fail(status.INVALID_ARGUMENT, `The value for maximum_backoff is too small: it is below minimum_backoff.`);
  }
  return { minimumMilliseconds: minimum, maximumMilliseconds: maximum };
}

function parseBackoff(name: string, wire: WireRetryPolicy['minimumBackoff'], defaultSeconds: number): number {
  const milliseconds = wire ? fromWireTime(wire) : defaultSeconds * 1000;
  if (milliseconds < 0 || milliseconds > 600_000) {
    fail(
      status.INVALID_ARGUMENT,
      `The value for ${name} is out of bounds: it must be between 0s and 600s, not ${milliseconds / 1000}s.`,
    );
  }
  return milliseconds;
}

function parseDeadLetter(wire: WireDeadLetterPolicy): DeadLetterPolicy | null {
  if (wire.deadLetterTopic === '') return null;
  const maxAttempts = wire.maxDeliveryAttempts === 0 ? 5 : wire.maxDeliveryAttempts;
  if (maxAttempts < 5 || maxAttempts > 100) {
    fail(
      status.OUT_OF_RANGE,
      `The value for max_delivery_attempts must be between 5 and 100, not ${maxAttempts}.`,
    );
  }
  return { topic: wire.deadLetterTopic, maxAttempts };
}
