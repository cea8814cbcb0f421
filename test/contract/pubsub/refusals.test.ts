// What Derivery does not use is refused by name. The official emulator takes much of it, so this is ours alone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CreateSubscriptionOptions } from '@google-cloud/pubsub';
import { status } from '@grpc/grpc-js';
import { startPubSub, type PubSubServer } from '#local/pubsub/server.ts';
import { Clients } from './clients.ts';

const refusedSettings: Readonly<Record<string, CreateSubscriptionOptions>> = {
  filters: { filter: 'attributes.kind = "build"' },
  'message ordering': { enableMessageOrdering: true },
  'exactly-once delivery': { enableExactlyOnceDelivery: true },
  'retention of acknowledged messages': { retainAckedMessages: true },
  'a message retention other than 7 days': { messageRetentionDuration: { seconds: 3600 } },
  'subscriptions that expire': { expirationPolicy: { ttl: { seconds: 86_400 } } },
  'BigQuery subscriptions': { bigqueryConfig: { table: 'project.dataset.table' } },
  'Cloud Storage subscriptions': { cloudStorageConfig: { bucket: 'bucket' } },
  'Bigtable subscriptions': { bigtableConfig: { table: 'projects/p/instances/i/tables/t' } },
  'message transforms': { messageTransforms: [{ javascriptUdf: { functionName: 'f', code: 'f' } }] },
  'tags on subscriptions': { tags: { key: 'value' } },
  'signed push requests': {
    pushConfig: { pushEndpoint: 'http://127.0.0.1/', oidcToken: { serviceAccountEmail: 'a@b' } },
  },
  'push without the wrapper': { pushConfig: { pushEndpoint: 'http://127.0.0.1/', noWrapper: {} } },
  'push attributes': {
    pushConfig: { pushEndpoint: 'http://127.0.0.1/', attributes: { 'x-goog-version': 'v1beta1' } },
  },
};

const refusedTopics: Readonly<Record<string, object>> = {
  'message storage policies': { messageStoragePolicy: { allowedPersistenceRegions: ['europe-west1'] } },
  'customer-managed keys': { kmsKeyName: 'key' },
  schemas: { schemaSettings: { schema: 'projects/p/schemas/s', encoding: 'JSON' } },
  'message retention on topics': { messageRetentionDuration: { seconds: 3600 } },
  'ingestion into topics': { ingestionDataSourceSettings: { awsKinesis: { streamArn: 'arn' } } },
  'message transforms': { messageTransforms: [{ javascriptUdf: { functionName: 'f', code: 'f' } }] },
  'tags on topics': { tags: { key: 'value' } },
};

describe('refusals', () => {
  let server: PubSubServer;
  let clients: Clients;
  const unimplemented = (feature: string): object => ({
    code: status.UNIMPLEMENTED,
    message: new RegExp(feature),
  });

  before(async () => {
    server = await startPubSub();
    clients = new Clients(server.address);
  });
  after(async () => {
    await clients.close();
    await server.close();
  });

  for (const [feature, options] of Object.entries(refusedSettings)) {
    test(`a subscription with ${feature}`, async () => {
      const topic = await clients.topic();
      await assert.rejects(clients.subscription(topic, options), unimplemented(feature));
      assert.deepEqual(await topic.getSubscriptions().then(([found]) => found), []);
    });
  }

  for (const [feature, settings] of Object.entries(refusedTopics)) {
    test(`a topic with ${feature}`, async () => {
      const name = 'projects/contract/topics/refused';
      await assert.rejects(clients.pubsub.createTopic({ name, ...settings }), unimplemented(feature));
    });
  }

  test('ordering keys', async () => {
    const ordered = clients.pubsub.topic((await clients.topic()).name, { messageOrdering: true });
    const message = { data: Buffer.from('x'), orderingKey: 'key' };
    await assert.rejects(ordered.publishMessage(message), unimplemented('ordering keys'));
  });

  test('methods: updates, seek, snapshots, schemas', async () => {
    const { topic, subscription } = await clients.pair();
    await assert.rejects(topic.setMetadata({ labels: { a: 'b' } }), unimplemented('UpdateTopic'));
    await assert.rejects(
      subscription.setMetadata({ labels: { a: 'b' } }),
      unimplemented('UpdateSubscription'),
    );
    await assert.rejects(subscription.seek(new Date()), unimplemented('Seek'));
    await assert.rejects(subscription.createSnapshot('snapshot'), unimplemented('CreateSnapshot'));
    const iterator = clients.pubsub.listSchemas()[Symbol.asyncIterator]();
    await assert.rejects(Promise.resolve(iterator.next()), { code: status.UNIMPLEMENTED });
  });

  test("deadlines below Google's 10 s, unless a test asks for them", async () => {
    const topic = await clients.topic();
    const invalid = { code: status.INVALID_ARGUMENT };
    await assert.rejects(clients.subscription(topic, { ackDeadlineSeconds: 9 }), invalid);
    const subscription = await clients.subscription(topic);
    const stream = clients.subscriber.streamingPull();
    const ended = Promise.withResolvers<void>();
    stream.on('error', ended.reject);
    stream.write({ subscription: subscription.name, streamAckDeadlineSeconds: 9 });
    await assert.rejects(ended.promise, invalid);
  });
});
