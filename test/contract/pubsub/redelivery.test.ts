import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duration } from '@google-cloud/pubsub';
import { status } from '@grpc/grpc-js';
import { onEveryBackend } from './backends.ts';
import { Inbox } from './inbox.ts';

onEveryBackend('redelivery', backend => {
  test('a nacked message comes again at once, under the same id', async () => {
    const { topic, subscription } = await backend.clients().pair();
    const inbox = new Inbox(subscription);
    const id = await topic.publishMessage({ data: Buffer.from('again') });
    for (const delivery of [1, 2, 3]) {
      const message = await inbox.next();
      assert.equal(message.id, id);
      if (delivery < 3) message.nack();
      else message.ack();
    }
    await inbox.close();
  });

  test('a deadline of 0 gives a pulled message back', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair();
    await topic.publishMessage({ data: Buffer.from('again') });
    const first = await clients.pullOne(subscription);
    await clients.modifyDeadline(subscription, first.ackId, 0);
    const second = await clients.pullOne(subscription);
    assert.equal(second.message.messageId, first.message.messageId);
    assert.notEqual(second.ackId, first.ackId);
  });

  test('a message that is not acknowledged in time comes again', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair({ ackDeadlineSeconds: 1 });
    await topic.publishMessage({ data: Buffer.from('late') });
    const first = await clients.pullOne(subscription);
    const second = await clients.pullOne(subscription);
    assert.equal(second.message.messageId, first.message.messageId);
  });

  test('late acknowledgements and nacks do not touch the next delivery', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair({ ackDeadlineSeconds: 1 });
    await topic.publishMessage({ data: Buffer.from('again') });
    const late = await clients.pullOne(subscription);
    const current = await clients.pullOne(subscription);
    await clients.modifyDeadline(subscription, current.ackId, 600);
    await clients.modifyDeadline(subscription, late.ackId, 0);
    assert.deepEqual(await clients.pullReady(subscription), []);
    await clients.acknowledge(subscription, late.ackId);
    await clients.modifyDeadline(subscription, current.ackId, 0);
    const { message } = await clients.pullOne(subscription);
    assert.equal(message.messageId, current.message.messageId);
  });

  test('repeated acknowledgements do no harm', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair();
    await topic.publishMessage({ data: Buffer.from('once') });
    const { ackId } = await clients.pullOne(subscription);
    await clients.acknowledge(subscription, ackId);
    await clients.acknowledge(subscription, ackId, ackId);
    await clients.modifyDeadline(subscription, ackId, 0);
    await topic.publishMessage({ data: Buffer.from('marker') });
    assert.equal((await clients.pullOne(subscription)).message.data.toString(), 'marker');
  });

  test('a longer deadline keeps the message', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair({ ackDeadlineSeconds: 1 });
    const clock = await clients.subscription(topic, { ackDeadlineSeconds: 1 });
    await topic.publishMessage({ data: Buffer.from('kept') });
    const kept = await clients.pullOne(subscription);
    await clients.modifyDeadline(subscription, kept.ackId, 30);
    // The same message in the other subscription has come back twice by the time.
    for (const _ of [1, 2, 3]) await clients.pullOne(clock);
    assert.deepEqual(await clients.pullReady(subscription), []);
  });

  test('a new deadline is at most 600 s', { skip: backend.differsIn('deadline bounds') }, async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair();
    await topic.publishMessage({ data: Buffer.from('x') });
    const { ackId } = await clients.pullOne(subscription);
    await clients.modifyDeadline(subscription, ackId, 600);
    await assert.rejects(clients.modifyDeadline(subscription, ackId, 601), { code: status.INVALID_ARGUMENT });
  });

  test('what cannot be an ack id is refused', async () => {
    const clients = backend.clients();
    const { subscription } = await clients.pair();
    const invalid = { code: status.INVALID_ARGUMENT };
    await assert.rejects(clients.acknowledge(subscription, 'nonsense'), invalid);
    await assert.rejects(clients.acknowledge(subscription), invalid);
    await assert.rejects(clients.modifyDeadline(subscription, 'nonsense', 10), invalid);
  });

  test(
    'the client extends the lease of a message that it works on',
    { skip: backend.differsIn('stream deadlines') },
    async () => {
      const clients = backend.clients();
      const { topic, subscription } = await clients.pair();
      const clock = await clients.subscription(topic, { ackDeadlineSeconds: 5 });
      const worker = clients.pubsub.subscription(subscription.name, {
        maxAckDeadline: Duration.from({ seconds: 4 }),
        batching: { maxMilliseconds: 1 },
      });
      const inbox = new Inbox(worker);
      await topic.publishMessage({ data: Buffer.from('long work') });
      const message = await inbox.next();
      // The same message in the other subscription comes back after 5 s, when an unextended lease of 4 s is over.
      for (const _ of [1, 2]) await clients.pullOne(clock);
      assert.equal(inbox.messages.length, 1);
      message.ack();
      await inbox.close();
    },
  );

  test(
    'when a subscriber vanishes, another gets its message',
    { skip: backend.differsIn('stream deadlines') },
    async () => {
      const clients = backend.clients();
      const dead = await clients.topic();
      const deadLetterPolicy = { deadLetterTopic: dead.name, maxDeliveryAttempts: 5 };
      const { topic, subscription } = await clients.pair({ deadLetterPolicy });
      const stream = clients.subscriber.streamingPull();
      stream.on('error', () => undefined); // its own cancellation
      const received = Promise.withResolvers<void>();
      stream.on('data', ({ receivedMessages }: { receivedMessages: unknown[] }) => {
        if (receivedMessages.length > 0) received.resolve();
      });
      stream.write({ subscription: subscription.name, streamAckDeadlineSeconds: 1 });
      await topic.publishMessage({ data: Buffer.from('orphan') });
      await received.promise;
      stream.cancel();
      const inbox = new Inbox(subscription, message => message.ack());
      const message = await inbox.next();
      assert.equal(message.data.toString(), 'orphan');
      assert.equal(message.deliveryAttempt, 2, 'the stream that is gone got it again');
      await inbox.close();
    },
  );

  test(
    'a retry policy holds a nacked message back',
    { skip: backend.differsIn('retry policy') },
    async () => {
      const clients = backend.clients();
      const retryPolicy = { minimumBackoff: { seconds: 2 }, maximumBackoff: { seconds: 2 } };
      const { topic, subscription } = await clients.pair({ retryPolicy });
      await topic.publishMessage({ data: Buffer.from('not so fast') });
      const first = await clients.pullOne(subscription);
      await clients.modifyDeadline(subscription, first.ackId, 0);
      assert.deepEqual(await clients.pullReady(subscription), []);
      const second = await clients.pullOne(subscription);
      assert.equal(second.message.messageId, first.message.messageId);
    },
  );
});
