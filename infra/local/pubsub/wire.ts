// Google's Pub/Sub messages (google/pubsub/v1/pubsub.proto), as proto-loader gives and takes them under the options below.
import type { Options } from '@grpc/proto-loader';

/** int64 as number, every field present (a missing message is null), bytes as Buffer. */
export const wireOptions: Options = {
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  objects: true,
};

export interface WireTime {
  readonly seconds: number;
  readonly nanos: number;
}

export interface WireTopic {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly messageStoragePolicy: object | null;
  readonly kmsKeyName: string;
  readonly schemaSettings: object | null;
  readonly messageRetentionDuration: WireTime | null;
  readonly ingestionDataSourceSettings: object | null;
  readonly messageTransforms: readonly object[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface WirePushConfig {
  readonly pushEndpoint: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly oidcToken?: object | null;
  readonly noWrapper?: object | null;
}

export interface WireRetryPolicy {
  readonly minimumBackoff: WireTime | null;
  readonly maximumBackoff: WireTime | null;
}

export interface WireDeadLetterPolicy {
  readonly deadLetterTopic: string;
  readonly maxDeliveryAttempts: number;
}

export interface WireSubscription {
  readonly name: string;
  readonly topic: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ackDeadlineSeconds: number;
  readonly pushConfig: WirePushConfig | null;
  readonly retryPolicy: WireRetryPolicy | null;
  readonly deadLetterPolicy: WireDeadLetterPolicy | null;
  readonly messageRetentionDuration: WireTime | null;
  readonly expirationPolicy: { readonly ttl: WireTime | null } | null;
  readonly bigqueryConfig: object | null;
  readonly cloudStorageConfig: object | null;
  readonly bigtableConfig: object | null;
  readonly retainAckedMessages: boolean;
  readonly enableMessageOrdering: boolean;
  readonly enableExactlyOnceDelivery: boolean;
  readonly filter: string;
  readonly messageTransforms: readonly object[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface WireMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string;
}

export interface WireReceivedMessage {
  readonly ackId: string;
  readonly message: WireMessage & { readonly messageId: string; readonly publishTime: WireTime };
  readonly deliveryAttempt: number;
}

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export interface PullRequest {
  readonly subscription: string;
  readonly maxMessages: number;
  readonly returnImmediately: boolean;
}

export interface AcknowledgeRequest {
  readonly subscription: string;
  readonly ackIds: readonly string[];
}

export interface ModifyAckDeadlineRequest extends AcknowledgeRequest {
  readonly ackDeadlineSeconds: number;
}

export interface StreamingPullRequest {
  readonly subscription: string;
  readonly ackIds: readonly string[];
  readonly modifyDeadlineAckIds: readonly string[];
  readonly modifyDeadlineSeconds: readonly number[];
  readonly streamAckDeadlineSeconds: number;
  readonly maxOutstandingMessages: number;
  readonly maxOutstandingBytes: number;
  readonly protocolVersion: number;
}

/** Milliseconds since the epoch (or of a duration), on the wire. */
export function toWireTime(milliseconds: number): WireTime {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

/** The inverse of {@link toWireTime}. */
export function fromWireTime({ seconds, nanos }: WireTime): number {
  return seconds * 1000 + nanos / 1e6;
}
