import { toStatusObject, type BidiCall, type RpcError } from '#local/grpc-server.ts';
import type { Consumer, Lease } from './consumer.ts';
import { sizeOf } from './message.ts';
import { receivedMessage } from './received-message.ts';
import type { Subscription } from './subscription.ts';
import type { StreamingPullRequest } from './wire.ts';

/** One response stays well below gRPC's limits for a message. */
const batch = { messages: 100, bytes: 4 << 20 };

/** A StreamingPull's share of a subscription, within the limits that the client set for it. */
export class StreamConsumer implements Consumer {
  ackDeadlineSeconds: number;
  readonly #call: BidiCall;
  readonly #subscription: Subscription;
  readonly #limit: { readonly messages: number; readonly bytes: number };
  readonly #wantsKeepalives: boolean;
  readonly #outstanding = { messages: 0, bytes: 0 };
  #taken: Lease[] = [];
  #takenBytes = 0;
  #isBlocked = false;

  constructor(call: BidiCall, subscription: Subscription, request: StreamingPullRequest) {
    this.#call = call;
    this.#subscription = subscription;
    this.ackDeadlineSeconds = request.streamAckDeadlineSeconds;
    this.#limit = {
      messages: limitOf(request.maxOutstandingMessages),
      bytes: limitOf(request.maxOutstandingBytes),
    };
    this.#wantsKeepalives = request.protocolVersion >= 1;
  }

  open(): void {
    this.#call.write({
      subscriptionProperties: { exactlyOnceDeliveryEnabled: false, messageOrderingEnabled: false },
    });
    this.#subscription.attach(this);
  }

  /** A client of protocol version 1 gives the stream up when its empty request has no answer within 15 s. */
  answerKeepalive({ ackIds, modifyDeadlineAckIds }: StreamingPullRequest): void {
    if (this.#wantsKeepalives && ackIds.length === 0 && modifyDeadlineAckIds.length === 0) this.#write({});
  }

  hasRoom(): boolean {
    return (
      !this.#isBlocked &&
      this.#taken.length < batch.messages &&
      this.#takenBytes < batch.bytes &&
      this.#outstanding.messages < this.#limit.messages &&
      this.#outstanding.bytes < this.#limit.bytes
    );
  }

  take(lease: Lease): void {
    this.#taken.push(lease);
    this.#takenBytes += sizeOf(lease.message);
    this.#outstanding.messages += 1;
    this.#outstanding.bytes += sizeOf(lease.message);
  }

  flush(): void {
    const { settings } = this.#subscription;
    const receivedMessages = this.#taken.map(lease => receivedMessage(lease, settings));
    this.#taken = [];
    this.#takenBytes = 0;
    this.#write({ receivedMessages });
  }

  release(lease: Lease): void {
    this.#outstanding.messages -= 1;
    this.#outstanding.bytes -= sizeOf(lease.message);
  }

  end(reason: RpcError): void {
    this.#call.emit('error', toStatusObject(reason));
  }

  #write(response: object): void {
    if (this.#call.write(response) || this.#isBlocked) return;
    this.#isBlocked = true;
    this.#call.once('drain', () => {
      this.#isBlocked = false;
      this.#subscription.dealSoon();
    });
  }
}

/** "If the value is <= 0, there is no limit" (pubsub.proto, max_outstanding_messages). */
function limitOf(value: number): number {
  return value > 0 ? value : Infinity;
}
