import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryBackend } from './backends.ts';
import { Inbox } from './inbox.ts';

onEveryBackend('dead letters', backend => {
  test('after the last attempt the message goes to the dead letter topic', async () => {
    const clients = backend.clients();
    const dead = await clients.pair();
    const deadLetterPolicy = { deadLetterTopic: dead.topic.name, maxDeliveryAttempts: 5 };
    const { topic, subscription } = await clients.pair({ deadLetterPolicy });
    const attempts: number[] = [];
    const inbox = new Inbox(subscription, message => {
      attempts.push(message.deliveryAttempt);
      message.nack();
    });
    await topic.publishMessage({ data: Buffer.from('poison'), attributes: { own: 'kept' } });
    const { message } = await clients.pullOne(dead.subscription);
    await inbox.close();
    assert.deepEqual(attempts, [1, 2, 3, 4, 5]);
    assert.equal(message.data.toString(), 'poison');
    assert.equal(message.attributes['own'], 'kept');
    assert.equal(message.attributes['CloudPubSubDeadLetterSourceDeliveryCount'], '5');
    assert.equal(
      message.attributes['CloudPubSubDeadLetterSourceSubscription'],
      subscription.name.split('/').at(-1),
    );
    assert.deepEqual(await clients.pullReady(subscription), []);
  });

  test('attempts count expired deadlines, and are only told where there is a dead letter policy', async () => {
    const clients = backend.clients();
    const dead = await clients.topic();
    const deadLetterPolicy = { deadLetterTopic: dead.name, maxDeliveryAttempts: 5 };
    const { topic, subscription } = await clients.pair({ deadLetterPolicy, ackDeadlineSeconds: 1 });
    const plain = await clients.subscription(topic);
    await topic.publishMessage({ data: Buffer.from('x') });
    assert.equal((await clients.pullOne(subscription)).deliveryAttempt, 1);
    assert.equal((await clients.pullOne(subscription)).deliveryAttempt, 2);
    assert.equal((await clients.pullOne(plain)).deliveryAttempt, 0);
  });
});
