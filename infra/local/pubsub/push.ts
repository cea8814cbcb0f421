import type { RpcError } from '#local/grpc-server.ts';
import type { Consumer, Lease } from './consumer.ts';
import type { Subscription } from './subscription.ts';

/** "Push subscriptions", Properties of a push subscription: every other answer, or none, is a nack. */
const acknowledgingStatuses = [102, 200, 201, 202, 204];

const maxInFlight = 32;

/** POSTs messages to an endpoint; its answer is the acknowledgement. Retries wait as the subscription's settings say. */
export class PushConsumer implements Consumer {
  readonly #subscription: Subscription;
  readonly #endpoint: string;
  readonly #ending = new AbortController();
  #inFlight = 0;

  constructor(subscription: Subscription, endpoint: string) {
    this.#subscription = subscription;
    this.#endpoint = endpoint;
  }

  /** An endpoint has that long to answer. */
  get ackDeadlineSeconds(): number {
    return this.#subscription.settings.ackDeadlineSeconds;
  }

  hasRoom(): boolean {
    return this.#inFlight < maxInFlight;
  }

  take(lease: Lease): void {
    this.#inFlight += 1;
    void this.#deliver(lease);
  }

  flush(): void {
    // Each message is a request of its own, which take() has sent.
  }

  release(): void {
    this.#inFlight -= 1;
  }

  end(reason: RpcError): void {
    this.#ending.abort(reason);
  }

  async #deliver(lease: Lease): Promise<void> {
    const failure = await this.#post(lease);
    if (failure === undefined) return this.#subscription.acknowledge([lease.ackId]);
    if (!this.#ending.signal.aborted) {
      console.warn(`Pub/Sub: push to ${this.#endpoint} failed (attempt ${lease.attempt}): ${failure}`);
    }
    this.#subscription.modifyDeadline(lease.ackId, 0);
  }

  /** @returns why the endpoint did not acknowledge, or nothing where it did */
  async #post(lease: Lease): Promise<string | undefined> {
    try {
      const response = await fetch(this.#endpoint, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/json', 'user-agent': 'CloudPubSub-Google' },
        body: JSON.stringify(pushBody(this.#subscription, lease)),
        signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(this.ackDeadlineSeconds * 1000)]),
      });
      await response.body?.cancel();
      return acknowledgingStatuses.includes(response.status) ? undefined : `HTTP ${response.status}`;
    } catch (error) {
      if (!(error instanceof Error)) return String(error);
      return error.cause instanceof Error ? error.cause.message : error.message;
    }
  }
}

/** "Push subscriptions", Receive push messages: the wrapped form, both spellings of the names included. */
function pushBody({ settings }: Subscription, { message, attempt }: Lease): object {
  const publishTime = new Date(message.publishTime).toISOString();
  return {
    subscription: settings.name,
    message: {
      data: message.data.toString('base64'),
      attributes: message.attributes,
      messageId: message.id,
      message_id: message.id,
      publishTime,
      publish_time: publishTime,
    },
    ...(settings.deadLetter && { deliveryAttempt: attempt }),
  };
}
