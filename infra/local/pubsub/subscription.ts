// The heart: one subscription's unacknowledged messages. Each is ready, leased to a consumer, or waiting out a delay.
import type { RpcError } from '#local/grpc-server.ts';
import { newAckId } from './ack-id.ts';
import type { Consumer, Lease } from './consumer.ts';
import type { Message } from './message.ts';
import { redeliveryDelay } from './redelivery-delay.ts';
import type { Store } from './store.ts';
import { retentionMilliseconds, type SubscriptionSettings } from './subscription-settings.ts';

interface Delivery {
  readonly message: Message;
  /** How often it was handed out. Google counts 1 + nacks + expired deadlines, which is the same. */
  attempts: number;
}

interface HeldLease {
  readonly lease: Lease;
  readonly delivery: Delivery;
  readonly consumer: Consumer;
  expiry: NodeJS.Timeout;
}

/** Moves a message out of a subscription into its dead letter topic; false where that topic is gone. */
export type MoveToDeadLetters = (from: SubscriptionSettings, message: Message, attempts: number) => boolean;

export class Subscription {
  settings: SubscriptionSettings;
  readonly #store: Store;
  readonly #moveToDeadLetters: MoveToDeadLetters;
  /** In the order of delivery; a Set, because it gives from the front without moving the rest. */
  readonly #ready = new Set<Delivery>();
  readonly #leases = new Map<string, HeldLease>();
  readonly #delays = new Set<NodeJS.Timeout>();
  /** The next in line is the first. */
  readonly #consumers = new Set<Consumer>();
  #dealing: NodeJS.Immediate | undefined;
  #isClosed = false;

  constructor(settings: SubscriptionSettings, store: Store, moveToDeadLetters: MoveToDeadLetters) {
    this.settings = settings;
    this.#store = store;
    this.#moveToDeadLetters = moveToDeadLetters;
  }

  /** Takes a message that the store already has, new or from before a restart. */
  add(message: Message, attempts = 0): void {
    const delivery = { message, attempts };
    if (!this.#isDeadLettered(delivery)) this.#makeReady(delivery);
  }

  /** From now on the consumer gets its share of the messages. */
  attach(consumer: Consumer): void {
    this.#consumers.add(consumer);
    this.dealSoon();
  }

  /** The consumer gets no more. What it holds stays leased until its deadline. */
  detach(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  endConsumers(reason: RpcError): void {
    for (const consumer of this.#consumers) consumer.end(reason);
    this.#consumers.clear();
  }

  /** Deals once what happens in this turn of the event loop is done. */
  dealSoon(): void {
    if (this.#isClosed) return;
    this.#dealing ??= setImmediate(() => {
      this.#dealing = undefined;
      this.deal();
    });
  }

  /** Hands out ready messages, one at a time and in turn, to the consumers that have room. */
  deal(): void {
    const served = new Set<Consumer>();
    this.#store.transaction(() => {
      for (const consumer of this.#consumers) {
        if (!consumer.hasRoom()) continue;
        const delivery = this.#nextReady();
        if (!delivery) break;
        consumer.take(this.#lease(delivery, consumer));
        served.add(consumer);
        // To the end of the line, where this very loop meets it again.
        this.#consumers.delete(consumer);
        this.#consumers.add(consumer);
      }
    });
    for (const consumer of served) consumer.flush();
    if (served.size > 0 && this.#ready.size > 0) this.dealSoon();
  }

  /** Forgets the messages for good. A lease that is over is passed by: its message comes again. */
  acknowledge(ackIds: readonly string[]): void {
    const over = ackIds.map(ackId => this.#release(ackId)).filter(held => held !== undefined);
    if (over.length === 0) return;
    this.#store.transaction(() => {
      for (const { delivery } of over) this.#store.removePending(this.settings.name, delivery.message.id);
    });
  }

  /** Starts the deadline anew; 0 gives the message back. A lease that is over is passed by. */
  modifyDeadline(ackId: string, seconds: number): void {
    const held = this.#leases.get(ackId);
    if (!held) return;
    if (seconds === 0) return this.#giveBack(ackId);
    clearTimeout(held.expiry);
    held.expiry = this.#expireIn(ackId, seconds);
  }

  /** Stops all timers and ends the consumers; the store keeps the messages. */
  close(reason: RpcError): void {
    this.#isClosed = true;
    this.endConsumers(reason);
    clearImmediate(this.#dealing);
    for (const timer of this.#delays) clearTimeout(timer);
    for (const { expiry } of this.#leases.values()) clearTimeout(expiry);
    this.#ready.clear();
    this.#leases.clear();
  }

  #nextReady(): Delivery | undefined {
    for (const delivery of this.#ready) {
      this.#ready.delete(delivery);
      if (Date.now() - delivery.message.publishTime < retentionMilliseconds) return delivery;
      this.#store.removePending(this.settings.name, delivery.message.id);
    }
    return undefined;
  }

  #lease(delivery: Delivery, consumer: Consumer): Lease {
    const { message } = delivery;
    delivery.attempts += 1;
    this.#store.recordAttempt(this.settings.name, message.id, delivery.attempts);
    const lease = { ackId: newAckId(message.id), message, attempt: delivery.attempts };
    const expiry = this.#expireIn(lease.ackId, consumer.ackDeadlineSeconds);
    this.#leases.set(lease.ackId, { lease, delivery, consumer, expiry });
    return lease;
  }

  #expireIn(ackId: string, seconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#giveBack(ackId), seconds * 1000);
  }

  #release(ackId: string): HeldLease | undefined {
    const held = this.#leases.get(ackId);
    if (!held) return undefined;
    this.#leases.delete(ackId);
    clearTimeout(held.expiry);
    held.consumer.release(held.lease);
    this.dealSoon();
    return held;
  }

  #giveBack(ackId: string): void {
    const held = this.#release(ackId);
    if (!held || this.#isDeadLettered(held.delivery)) return;
    const { delivery } = held;
    const delay = redeliveryDelay(this.settings, delivery.attempts);
    if (delay === 0) return this.#makeReady(delivery);
    const timer = setTimeout(() => {
      this.#delays.delete(timer);
      this.#makeReady(delivery);
    }, delay);
    this.#delays.add(timer);
  }

  #isDeadLettered({ message, attempts }: Delivery): boolean {
    const policy = this.settings.deadLetter;
    if (policy === null || attempts < policy.maxAttempts) return false;
    return this.#moveToDeadLetters(this.settings, message, attempts);
  }

  #makeReady(delivery: Delivery): void {
    this.#ready.add(delivery);
    this.dealSoon();
  }
}
