import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Message } from '@google-cloud/pubsub';
import { onEveryBackend } from './backends.ts';
import type { Pulled } from './clients.ts';
import { Inbox } from './inbox.ts';

onEveryBackend('flow control', backend => {
  const skip = backend.differsIn('flow control');

  test('a subscriber of maxMessages 1 never has two', { skip }, async () => {
    const { pubsub } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    let held = 0;
    let most = 0;
    const hold = async (message: Message): Promise<void> => {
      held += 1;
      most = Math.max(most, held);
      await topic.getMetadata(); // time enough for the server to send another
      held -= 1;
      message.ack();
    };
    const limited = pubsub.subscription(subscription.name, {
      flowControl: { maxMessages: 1 },
      batching: { maxMilliseconds: 1 },
    });
    const inbox = new Inbox(limited, message => void hold(message));
    await Promise.all(Array.from({ length: 5 }, () => topic.publishMessage({ data: Buffer.from('work') })));
    await inbox.take(5);
    await inbox.close();
    assert.equal(most, 1);
  });

  test('two subscribers of maxMessages 1 have one each', { skip }, async () => {
    const { pubsub } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    const inboxes = [1, 2].map(
      () => new Inbox(pubsub.subscription(subscription.name, { flowControl: { maxMessages: 1 } })),
    );
    await Promise.all(['1', '2', '3'].map(text => topic.publishMessage({ data: Buffer.from(text) })));
    const held = await Promise.all(inboxes.map(inbox => inbox.next()));
    assert.equal(new Set(held.map(({ id }) => id)).size, 2);
    assert.equal((await backend.clients().pullReady(subscription)).length, 1);
    for (const message of held) message.ack();
    await Promise.all(inboxes.map(inbox => inbox.close()));
  });

  test(
    'the server keeps what a stream has no room for, and sends on when room is made',
    { skip },
    async () => {
      const clients = backend.clients();
      const { topic, subscription } = await clients.pair();
      for (const text of ['1', '2', '3']) await topic.publishMessage({ data: Buffer.from(text) });
      const stream = clients.subscriber.streamingPull();
      stream.on('error', () => undefined); // its own cancellation, at the end
      const received: Pulled[] = [];
      const nextMessage = async (): Promise<Pulled> => {
        for (;;) {
          const message = received.shift();
          if (message) return message;
          const [{ receivedMessages }] = (await once(stream, 'data')) as [{ receivedMessages: Pulled[] }];
          received.push(...receivedMessages);
        }
      };
      stream.write({
        subscription: subscription.name,
        streamAckDeadlineSeconds: 600,
        maxOutstandingMessages: 1,
      });
      const onStream = await nextMessage();
      // Whoever pulls finds the two others: they are not on their way to the stream.
      const pulled = [await clients.pullOne(subscription), await clients.pullOne(subscription)];
      assert.equal(new Set([onStream, ...pulled].map(({ message }) => message.messageId)).size, 3);
      for (const { ackId } of pulled) await clients.modifyDeadline(subscription, ackId, 0);
      stream.write({ ackIds: [onStream.ackId] });
      const next = await nextMessage();
      assert.notEqual(next.message.messageId, onStream.message.messageId);
      stream.cancel();
    },
  );

  test('a stream stops at its limit of bytes', { skip }, async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair();
    for (const text of ['1', '2']) await topic.publishMessage({ data: Buffer.alloc(1000, text) });
    const stream = clients.subscriber.streamingPull();
    stream.on('error', () => undefined);
    const first = once(stream, 'data');
    stream.write({
      subscription: subscription.name,
      streamAckDeadlineSeconds: 600,
      maxOutstandingBytes: 500,
    });
    await first;
    const other = await clients.pullOne(subscription);
    assert.equal(other.message.data.length, 1000);
    stream.cancel();
  });
});
