import type { Message, Subscription } from '@google-cloud/pubsub';

/** What a streaming subscriber gets, to be waited for. Listening starts at once; an error of the stream fails the wait. */
export class Inbox {
  /** All that came, in order. */
  readonly messages: Message[] = [];
  readonly #subscription: Subscription;
  #taken = 0;
  #waiting = Promise.withResolvers<void>();

  constructor(subscription: Subscription, onMessage: (message: Message) => void = () => undefined) {
    this.#subscription = subscription;
    subscription.on('message', (message: Message) => {
      this.messages.push(message);
      this.#waiting.resolve();
      onMessage(message);
    });
    subscription.on('error', (error: Error) => this.#waiting.reject(error));
  }

  /** The next message that was not asked for yet. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.messages[this.#taken];
      if (message) {
        this.#taken += 1;
        return message;
      }
      this.#waiting = Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
  }

  async take(count: number): Promise<Message[]> {
    const taken: Message[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  async close(): Promise<void> {
    await this.#subscription.close();
  }
}
