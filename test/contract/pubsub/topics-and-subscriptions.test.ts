import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { onEveryBackend } from './backends.ts';

onEveryBackend('topics and subscriptions', backend => {
  test('a topic is created once, found, listed and deleted', async () => {
    const { pubsub } = backend.clients();
    const topic = await backend.clients().topic();
    await assert.rejects(pubsub.createTopic(topic.name), { code: status.ALREADY_EXISTS });
    assert.deepEqual(await topic.exists(), [true]);
    const [topics] = await pubsub.getTopics();
    assert.ok(topics.some(({ name }) => name === topic.name));
    await topic.delete();
    assert.deepEqual(await topic.exists(), [false]);
    await assert.rejects(topic.delete(), { code: status.NOT_FOUND });
  });

  test('a subscription is created once, found, listed and deleted', async () => {
    const { pubsub } = backend.clients();
    const { topic, subscription } = await backend.clients().pair();
    await assert.rejects(topic.createSubscription(subscription.name), { code: status.ALREADY_EXISTS });
    const [found] = await pubsub.subscription(subscription.name).getMetadata();
    assert.equal(found.topic, topic.name);
    const [subscriptions] = await pubsub.getSubscriptions();
    assert.ok(subscriptions.some(({ name }) => name === subscription.name));
    const [ofTopic] = await topic.getSubscriptions();
    assert.deepEqual(
      ofTopic.map(({ name }) => name),
      [subscription.name],
    );
    await subscription.delete();
    assert.deepEqual(await subscription.exists(), [false]);
    await assert.rejects(subscription.delete(), { code: status.NOT_FOUND });
  });

  test('settings come back as they were given, with the defaults for the rest', async () => {
    const clients = backend.clients();
    const dead = await clients.topic();
    const { subscription } = await clients.pair({
      ackDeadlineSeconds: 42,
      labels: { team: 'builds' },
      retryPolicy: { minimumBackoff: { seconds: 1, nanos: 500_000_000 }, maximumBackoff: { seconds: 60 } },
      deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: 7 },
    });
    const [{ ackDeadlineSeconds, labels, retryPolicy, deadLetterPolicy }] = await subscription.getMetadata();
    assert.equal(ackDeadlineSeconds, 42);
    assert.deepEqual(labels, { team: 'builds' });
    assert.equal(Number(retryPolicy?.minimumBackoff?.seconds), 1);
    assert.equal(retryPolicy?.minimumBackoff?.nanos, 500_000_000);
    assert.equal(Number(retryPolicy?.maximumBackoff?.seconds), 60);
    assert.deepEqual(deadLetterPolicy, { deadLetterTopic: dead.name, maxDeliveryAttempts: 7 });

    const plain = await clients.pair();
    const [defaults] = await plain.subscription.getMetadata();
    assert.equal(defaults.ackDeadlineSeconds, 10);
    assert.equal(Number(defaults.messageRetentionDuration?.seconds), 7 * 24 * 3600);
    assert.equal(defaults.retryPolicy, null);
    assert.equal(defaults.deadLetterPolicy, null);
  });

  test('lists come in pages', async () => {
    const { pubsub } = backend.clients();
    const names = await Promise.all(
      Array.from({ length: 5 }, async () => (await backend.clients().topic()).name),
    );
    const listed: string[] = [];
    let pageToken = '';
    do {
      const query = { pageSize: 2, autoPaginate: false, ...(pageToken && { pageToken }) };
      const [topics, , response] = await pubsub.getTopics(query);
      assert.ok(topics.length <= 2);
      listed.push(...topics.map(({ name }) => name));
      pageToken = response?.nextPageToken ?? '';
    } while (pageToken);
    assert.equal(new Set(listed).size, listed.length);
    for (const name of names) assert.ok(listed.includes(name));
  });

  test('what is not there is NOT_FOUND', async () => {
    const { pubsub, subscriber } = backend.clients();
    const nothing = `projects/contract/subscriptions/nothing-${randomUUID()}`;
    const topic = pubsub.topic(`nothing-${randomUUID()}`);
    const notFound = { code: status.NOT_FOUND };
    await assert.rejects(topic.publishMessage({ data: Buffer.from('x') }), notFound);
    await assert.rejects(topic.createSubscription(`of-nothing-${randomUUID()}`), notFound);
    await assert.rejects(subscriber.pull({ subscription: nothing, maxMessages: 1 }), notFound);
    await assert.rejects(subscriber.acknowledge({ subscription: nothing, ackIds: ['1'] }), notFound);
    const existing = await backend.clients().topic();
    const deadLetterPolicy = { deadLetterTopic: topic.name, maxDeliveryAttempts: 5 };
    await assert.rejects(backend.clients().subscription(existing, { deadLetterPolicy }), notFound);
  });

  test('names follow the rules', async () => {
    const { pubsub } = backend.clients();
    const topic = await backend.clients().topic();
    for (const id of ['ab', '1abc', 'googly', 'a b c', `a${'b'.repeat(255)}`]) {
      await assert.rejects(pubsub.createTopic(id), { code: status.INVALID_ARGUMENT }, id);
      await assert.rejects(topic.createSubscription(id), { code: status.INVALID_ARGUMENT }, id);
    }
  });

  test('values out of bounds are refused', async () => {
    const clients = backend.clients();
    const topic = await clients.topic();
    const invalid = { code: status.INVALID_ARGUMENT };
    await assert.rejects(clients.subscription(topic, { ackDeadlineSeconds: 601 }), invalid);
    const tooLong = { minimumBackoff: { seconds: 601 } };
    await assert.rejects(clients.subscription(topic, { retryPolicy: tooLong }), invalid);
    const reversed = { minimumBackoff: { seconds: 20 }, maximumBackoff: { seconds: 10 } };
    await assert.rejects(clients.subscription(topic, { retryPolicy: reversed }), invalid);
    const pushConfig = { pushEndpoint: 'no address' };
    await assert.rejects(clients.subscription(topic, { pushConfig }), invalid);
    for (const maxDeliveryAttempts of [4, 101]) {
      const deadLetterPolicy = { deadLetterTopic: topic.name, maxDeliveryAttempts };
      await assert.rejects(clients.subscription(topic, { deadLetterPolicy }), { code: status.OUT_OF_RANGE });
    }
  });

  test('a subscription outlives its topic and says so', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair();
    await topic.publishMessage({ data: Buffer.from('left behind') });
    await topic.delete();
    const [{ topic: named }] = await subscription.getMetadata();
    assert.equal(named, '_deleted-topic_');
    assert.equal((await clients.pullOne(subscription)).message.data.toString(), 'left behind');
  });
});
