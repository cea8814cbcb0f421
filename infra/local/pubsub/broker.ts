// Topics, subscriptions, and what joins them: publishing, dead letters, the store.
import { fail, RpcError, status } from '#local/grpc-server.ts';
import { deadLetterContent } from './dead-letter.ts';
import type { Content, Message } from './message.ts';
import { messageIds } from './message-id.ts';
import { PushConsumer } from './push.ts';
import { deletedTopic } from './resource-name.ts';
import type { Store } from './store.ts';
import { Subscription } from './subscription.ts';
import type { SubscriptionSettings } from './subscription-settings.ts';
import type { TopicSettings } from './topic-settings.ts';

export class Broker {
  readonly #store: Store;
  readonly #topics = new Map<string, TopicSettings>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #nextMessageId: () => string;

  /** Goes on where the store's last server stopped; messages that were leased then are ready at once. */
  constructor(store: Store) {
    this.#store = store;
    for (const topic of store.topics()) this.#topics.set(topic.name, topic);
    for (const settings of store.subscriptions()) this.#open(settings);
    const pending = store.pending();
    this.#nextMessageId = messageIds(Number(pending.at(-1)?.message.id ?? 0));
    for (const { subscription, message, attempts } of pending) {
      this.#subscriptions.get(subscription)?.add(message, attempts);
    }
  }

  /** @throws RpcError ALREADY_EXISTS */
  createTopic(topic: TopicSettings): void {
    if (this.#topics.has(topic.name)) fail(status.ALREADY_EXISTS, `Topic already exists: ${topic.name}`);
    this.#store.saveTopic(topic);
    this.#topics.set(topic.name, topic);
  }

  /** @throws RpcError NOT_FOUND */
  topic(name: string): TopicSettings {
    return this.#topics.get(name) ?? fail(status.NOT_FOUND, `Topic not found: ${name}`);
  }

  topics(): TopicSettings[] {
    return [...this.#topics.values()];
  }

  /**
   * Its subscriptions stay, with what they have, and say that their topic is deleted.
   * @throws RpcError NOT_FOUND
   */
  deleteTopic(name: string): void {
    this.topic(name);
    this.#store.transaction(() => {
      this.#store.deleteTopic(name);
      for (const subscription of this.subscriptionsOf(name)) {
        subscription.settings = { ...subscription.settings, topic: deletedTopic };
        this.#store.saveSubscription(subscription.settings);
      }
    });
    this.#topics.delete(name);
  }

  /** @throws RpcError ALREADY_EXISTS; NOT_FOUND for its topic or its dead letter topic */
  createSubscription(settings: SubscriptionSettings): void {
    if (this.#subscriptions.has(settings.name)) {
      fail(status.ALREADY_EXISTS, `Subscription already exists: ${settings.name}`);
    }
    this.topic(settings.topic);
    if (settings.deadLetter) this.topic(settings.deadLetter.topic);
    this.#store.saveSubscription(settings);
    this.#open(settings);
  }

  /** @throws RpcError NOT_FOUND */
  subscription(name: string): Subscription {
    return this.#subscriptions.get(name) ?? fail(status.NOT_FOUND, `Subscription does not exist: ${name}`);
  }

  subscriptions(): Subscription[] {
    return [...this.#subscriptions.values()];
  }

  subscriptionsOf(topic: string): Subscription[] {
    return this.subscriptions().filter(({ settings }) => settings.topic === topic);
  }

  /**
   * From pull to push or back, or to another endpoint; null is pull. Open streams end.
   * @throws RpcError NOT_FOUND
   */
  setPushEndpoint(name: string, pushEndpoint: string | null): void {
    const subscription = this.subscription(name);
    subscription.settings = { ...subscription.settings, pushEndpoint };
    this.#store.saveSubscription(subscription.settings);
    subscription.endConsumers(
      new RpcError(status.FAILED_PRECONDITION, `The push configuration changed: ${name}`),
    );
    this.#startPush(subscription);
  }

  /** @throws RpcError NOT_FOUND */
  deleteSubscription(name: string): void {
    const subscription = this.subscription(name);
    this.#store.deleteSubscription(name);
    this.#subscriptions.delete(name);
    subscription.close(new RpcError(status.NOT_FOUND, `Subscription does not exist: ${name}`));
  }

  /**
   * All or none; on disk when it returns. A topic without subscriptions drops its messages.
   * @returns the messages' ids
   * @throws RpcError NOT_FOUND
   */
  publish(topic: string, contents: readonly Content[]): string[] {
    const { name } = this.topic(topic);
    const publishTime = Date.now();
    const messages = contents.map((content): Message => ({
      ...content,
      id: this.#nextMessageId(),
      publishTime,
    }));
    const subscriptions = this.subscriptionsOf(name);
    this.#store.transaction(() => {
      for (const { settings } of subscriptions) {
        for (const message of messages) this.#store.addPending(settings.name, message);
      }
    });
    for (const subscription of subscriptions) for (const message of messages) subscription.add(message);
    return messages.map(({ id }) => id);
  }

  /** Ends every stream with UNAVAILABLE, which is what makes clients come back; after any other end they stay away. */
  close(): void {
    const reason = new RpcError(status.UNAVAILABLE, 'Server shutdownNow invoked');
    for (const subscription of this.#subscriptions.values()) subscription.close(reason);
  }

  #open(settings: SubscriptionSettings): void {
    const subscription = new Subscription(settings, this.#store, this.#moveToDeadLetters);
    this.#subscriptions.set(settings.name, subscription);
    this.#startPush(subscription);
  }

  #startPush(subscription: Subscription): void {
    const { pushEndpoint } = subscription.settings;
    if (pushEndpoint !== null) subscription.attach(new PushConsumer(subscription, pushEndpoint));
  }

  readonly #moveToDeadLetters = (from: SubscriptionSettings, message: Message, attempts: number): boolean => {
    const topic = from.deadLetter?.topic;
    if (topic === undefined || !this.#topics.has(topic)) return false;
    this.#store.transaction(() => {
      this.publish(topic, [deadLetterContent(from, message, attempts)]);
      this.#store.removePending(from.name, message.id);
    });
    return true;
  };
}
