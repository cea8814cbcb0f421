import { fail, type RpcError, status } from '#local/grpc-server.ts';
import type { Broker } from './broker.ts';
import type { Consumer, Lease } from './consumer.ts';
import { receivedMessage } from './received-message.ts';
import type { PullRequest, WireReceivedMessage } from './wire.ts';

/** How long a pull waits for its first message; Google says "a bounded amount of time", below the clients' 60 s. */
const waitMilliseconds = 20_000;

/**
 * Answers a Pull: at once where messages are ready, else with the first to come, or none when the time is over.
 * @throws RpcError NOT_FOUND, INVALID_ARGUMENT, FAILED_PRECONDITION for a push subscription
 */
export async function pull(
  broker: Broker,
  request: PullRequest,
  cancelled: AbortSignal,
): Promise<{ receivedMessages: WireReceivedMessage[] }> {
  const subscription = broker.subscription(request.subscription);
  const { settings } = subscription;
  if (request.maxMessages <= 0) fail(status.INVALID_ARGUMENT, 'max_messages must be positive.');
  if (settings.pushEndpoint !== null) {
    fail(status.FAILED_PRECONDITION, `Subscription is a push subscription: ${settings.name}`);
  }
  const consumer = new PullConsumer(settings.ackDeadlineSeconds, request.maxMessages);
  const giveUp = (): void => consumer.flush();
  const timer = setTimeout(giveUp, waitMilliseconds);
  cancelled.addEventListener('abort', giveUp);
  try {
    subscription.attach(consumer);
    subscription.deal();
    if (request.returnImmediately) giveUp();
    const leases = await consumer.answered;
    return { receivedMessages: leases.map(lease => receivedMessage(lease, settings)) };
  } finally {
    clearTimeout(timer);
    subscription.detach(consumer);
  }
}

/** Takes one round of messages. */
class PullConsumer implements Consumer {
  readonly ackDeadlineSeconds: number;
  readonly #maxMessages: number;
  readonly #leases: Lease[] = [];
  readonly #answer = Promise.withResolvers<readonly Lease[]>();
  readonly answered = this.#answer.promise;
  #isDone = false;

  constructor(ackDeadlineSeconds: number, maxMessages: number) {
    this.ackDeadlineSeconds = ackDeadlineSeconds;
    this.#maxMessages = maxMessages;
  }

  hasRoom(): boolean {
    return !this.#isDone && this.#leases.length < this.#maxMessages;
  }

  take(lease: Lease): void {
    this.#leases.push(lease);
  }

  flush(): void {
    this.#isDone = true;
    this.#answer.resolve(this.#leases);
  }

  release(): void {
    // Its room is for one answer and does not come back.
  }

  end(reason: RpcError): void {
    this.#isDone = true;
    this.#answer.reject(reason);
  }
}
