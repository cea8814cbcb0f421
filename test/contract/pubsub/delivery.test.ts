import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { onEveryBackend } from './backends.ts';
import { Inbox } from './inbox.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

onEveryBackend('delivery', backend => {
  test('data, attributes, id and time arrive as they were published', async () => {
    const { topic, subscription } = await backend.clients().pair();
    const inbox = new Inbox(subscription, message => message.ack());
    const data = Buffer.from([0, 255, 10, 13]);
    const before = Date.now();
    const id = await topic.publishMessage({ data, attributes: { key: 'value', empty: '' } });
    const message = await inbox.next();
    assert.deepEqual(message.data, data);
    assert.deepEqual(message.attributes, { key: 'value', empty: '' });
    assert.equal(message.id, id);
    assert.ok(message.publishTime.getTime() >= before - 1 && message.publishTime.getTime() <= Date.now());
    await inbox.close();
  });

  test('a message of attributes alone is one, an empty one is not', async () => {
    const { topic, subscription } = await backend.clients().pair();
    await topic.publishMessage({ data: Buffer.alloc(0), attributes: { only: 'this' } });
    const { message } = await backend.clients().pullOne(subscription);
    assert.deepEqual(message.attributes, { only: 'this' });
    await assert.rejects(topic.publishMessage({ data: Buffer.alloc(0) }), { code: status.INVALID_ARGUMENT });
  });

  test('messages wait for a subscriber, who gets them all although it acknowledges none', async () => {
    const { pubsub } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    await Promise.all(numbered(250).map(text => topic.publishMessage({ data: Buffer.from(text) })));
    const oneStream = { streamingOptions: { maxStreams: 1 } };
    const inbox = new Inbox(pubsub.subscription(subscription.name, oneStream));
    const messages = await inbox.take(250);
    assert.deepEqual(messages.map(({ data }) => data.toString()).sort(), numbered(250).sort());
    for (const message of messages) message.ack();
    await inbox.close();
  });

  test('every subscription gets every message', async () => {
    const { topic, subscription } = await backend.clients().pair();
    const other = await backend.clients().subscription(topic);
    await topic.publishMessage({ data: Buffer.from('to all') });
    assert.equal((await backend.clients().pullOne(subscription)).message.data.toString(), 'to all');
    assert.equal((await backend.clients().pullOne(other)).message.data.toString(), 'to all');
  });

  test('a topic without subscription drops its messages', async () => {
    const topic = await backend.clients().topic();
    await topic.publishMessage({ data: Buffer.from('nobody hears this') });
    const subscription = await backend.clients().subscription(topic);
    await topic.publishMessage({ data: Buffer.from('heard') });
    assert.equal((await backend.clients().pullOne(subscription)).message.data.toString(), 'heard');
  });

  test('an acknowledged message does not come again, also not to the next subscriber', async () => {
    const { pubsub } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    const first = new Inbox(subscription, message => message.ack());
    await topic.publishMessage({ data: Buffer.from('done') });
    await first.next();
    await first.close();
    await topic.publishMessage({ data: Buffer.from('marker') });
    const second = new Inbox(pubsub.subscription(subscription.name), message => message.ack());
    assert.equal((await second.next()).data.toString(), 'marker');
    await second.close();
  });

  test('two subscribers share a subscription: each message goes to one of them', async () => {
    const { pubsub } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    const seen: string[] = [];
    const complete = Promise.withResolvers<void>();
    const inboxes = [1, 2].map(
      () =>
        new Inbox(pubsub.subscription(subscription.name), message => {
          seen.push(message.data.toString());
          message.ack();
          if (seen.length === 20) complete.resolve();
        }),
    );
    await Promise.all(numbered(20).map(text => topic.publishMessage({ data: Buffer.from(text) })));
    await complete.promise;
    await Promise.all(inboxes.map(inbox => inbox.close()));
    assert.deepEqual(seen.sort(), numbered(20).sort());
  });

  test('pull takes no more than it asks for', async () => {
    const { subscriber } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    await Promise.all(numbered(3).map(text => topic.publishMessage({ data: Buffer.from(text) })));
    const [{ receivedMessages }] = await subscriber.pull({ subscription: subscription.name, maxMessages: 2 });
    assert.ok(receivedMessages && receivedMessages.length <= 2);
    await assert.rejects(subscriber.pull({ subscription: subscription.name, maxMessages: 0 }), {
      code: status.INVALID_ARGUMENT,
    });
  });

  test('pull waits for the first message', async () => {
    const { topic, subscription } = await backend.clients().pair();
    const pulled = backend.clients().pullOne(subscription);
    await subscription.getMetadata();
    await topic.publishMessage({ data: Buffer.from('at last') });
    assert.equal((await pulled).message.data.toString(), 'at last');
  });

  test('pull can be told not to wait', async () => {
    const { subscription } = await backend.clients().pair();
    assert.deepEqual(await backend.clients().pullReady(subscription), []);
  });
});
