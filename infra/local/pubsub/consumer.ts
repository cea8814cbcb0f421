import type { RpcError } from '#local/grpc-server.ts';
import type { Message } from './message.ts';

/** A message in a consumer's hands: until it is acknowledged, given back, or the deadline is over. */
export interface Lease {
  readonly ackId: string;
  readonly message: Message;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

/** Whoever takes a subscription's messages: a stream, a waiting pull, a push endpoint. */
export interface Consumer {
  /** How long its leases last. */
  readonly ackDeadlineSeconds: number;
  hasRoom(): boolean;
  /** Gets one message; more may follow before {@link flush}. */
  take(lease: Lease): void;
  /** The messages it gets this time are complete. */
  flush(): void;
  /** One of its leases is over, for whatever reason. */
  release(lease: Lease): void;
  /** The subscription has no more for it. */
  end(reason: RpcError): void;
}
