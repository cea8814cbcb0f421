import { fail, status } from '#local/grpc-server.ts';
import { refuse } from './refuse.ts';
import type { WireMessage } from './wire.ts';

export type Attributes = Readonly<Record<string, string>>;

export interface Content {
  readonly data: Buffer;
  readonly attributes: Attributes;
}

/** A message as it was published. */
export interface Message extends Content {
  /** Digits; grows with every message of a server, also across restarts. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly publishTime: number;
}

/** What counts towards a stream's limit of outstanding bytes. */
export function sizeOf({ data, attributes }: Content): number {
  return Object.entries(attributes).reduce(
    (size, [key, value]) => size + Buffer.byteLength(key) + Buffer.byteLength(value),
    data.length,
  );
}

/**
 * Reads the messages of one publish request. Limits: "Pub/Sub quotas and limits", Resource limits.
 * @throws RpcError INVALID_ARGUMENT
 */
export function parseMessages(messages: readonly WireMessage[]): Content[] {
  if (messages.length === 0) reject('No messages to publish.');
  if (messages.length > 1000) reject('A request publishes at most 1000 messages.');
  const contents = messages.map(parseMessage);
  if (contents.reduce((size, content) => size + sizeOf(content), 0) > 10_000_000) {
    reject('A request publishes at most 10 MB.');
  }
  return contents;
}

function parseMessage({ data, attributes, orderingKey }: WireMessage): Content {
  refuse({ 'ordering keys': orderingKey !== '' });
  const entries = Object.entries(attributes);
  if (data.length === 0 && entries.length === 0) {
    reject('Some messages are empty: a message has data or at least one attribute.');
  }
  if (entries.length > 100) reject('A message has at most 100 attributes.');
  for (const [key, value] of entries) {
    if (Buffer.byteLength(key) > 256) reject('An attribute key has at most 256 bytes.');
    if (Buffer.byteLength(value) > 1024) reject('An attribute value has at most 1024 bytes.');
    if (key === '' || key.startsWith('goog'))
      reject(`An attribute key cannot be empty or start with "goog": ${key}`);
  }
  return { data, attributes };
}

function reject(sentence: string): never {
  return fail(status.INVALID_ARGUMENT, sentence);
}
