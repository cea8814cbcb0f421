import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { cloudEvent, type CloudEvent } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { status } from '@grpc/grpc-js';
import { onEveryBackend } from './backends.ts';

interface Push {
  readonly subscription: string;
  readonly deliveryAttempt?: number;
  readonly message: {
    readonly data: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly messageId: string;
    readonly publishTime: string;
  };
}

/** An endpoint that answers with the next status each time, with the last one from then on. */
class Endpoint {
  readonly pushes: Push[] = [];
  readonly contentTypes: (string | undefined)[] = [];
  readonly #statuses: readonly number[];
  readonly #server: Server;
  #arrived = Promise.withResolvers<void>();

  constructor(statuses: readonly number[]) {
    this.#statuses = statuses;
    this.#server = createServer((request, response) => {
      void text(request).then(body => {
        response.statusCode = this.#statuses[this.pushes.length] ?? this.#statuses.at(-1) ?? 200;
        response.end();
        this.contentTypes.push(request.headers['content-type']);
        this.pushes.push(JSON.parse(body) as Push);
        this.#arrived.resolve();
      });
    });
    after(() => this.#server.close());
  }

  listen(): Promise<string> {
    return listen(this.#server);
  }

  async until(count: number): Promise<void> {
    while (this.pushes.length < count) {
      this.#arrived = Promise.withResolvers<void>();
      await this.#arrived.promise;
    }
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

onEveryBackend('push', backend => {
  test('a message is POSTed in its wrapper', async () => {
    const clients = backend.clients();
    const endpoint = new Endpoint([204]);
    const pushConfig = { pushEndpoint: `${await endpoint.listen()}/here` };
    const { topic, subscription } = await clients.pair({ pushConfig });
    const id = await topic.publishMessage({ data: Buffer.from('pushed'), attributes: { key: 'value' } });
    await endpoint.until(1);
    const [push] = endpoint.pushes;
    assert.equal(push?.subscription, subscription.name);
    assert.equal(push.message.messageId, id);
    assert.equal(Buffer.from(push.message.data, 'base64').toString(), 'pushed');
    assert.deepEqual(push.message.attributes, { key: 'value' });
    assert.ok(Math.abs(Date.parse(push.message.publishTime) - Date.now()) < 60_000);
    assert.match(endpoint.contentTypes[0] ?? '', /^application\/json/);
  });

  test('an endpoint that fails gets the message again until it answers well, and then no more', async () => {
    const clients = backend.clients();
    const endpoint = new Endpoint([500, 302, 200]);
    const { topic } = await clients.pair({ pushConfig: { pushEndpoint: await endpoint.listen() } });
    const id = await topic.publishMessage({ data: Buffer.from('again') });
    await endpoint.until(3);
    await topic.publishMessage({ data: Buffer.from('marker') });
    await endpoint.until(4);
    const ids = endpoint.pushes.map(({ message }) => message.messageId);
    assert.deepEqual(ids.slice(0, 3), [id, id, id]);
    assert.notEqual(ids[3], id);
  });

  test('an endpoint that comes later gets what waited for it', async () => {
    const clients = backend.clients();
    const { topic, subscription } = await clients.pair();
    await topic.publishMessage({ data: Buffer.from('waited') });
    const endpoint = new Endpoint([200]);
    await subscription.modifyPushConfig({ pushEndpoint: await endpoint.listen() });
    await endpoint.until(1);
    assert.equal(Buffer.from(endpoint.pushes[0]?.message.data ?? '', 'base64').toString(), 'waited');
  });

  test(
    'a pushed message that keeps failing becomes a dead letter',
    { skip: backend.differsIn('push attempts') },
    async () => {
      const clients = backend.clients();
      const dead = await clients.pair();
      const endpoint = new Endpoint([503]);
      const { topic } = await clients.pair({
        pushConfig: { pushEndpoint: await endpoint.listen() },
        retryPolicy: { minimumBackoff: { nanos: 1_000_000 }, maximumBackoff: { nanos: 1_000_000 } },
        deadLetterPolicy: { deadLetterTopic: dead.topic.name, maxDeliveryAttempts: 5 },
      });
      await topic.publishMessage({ data: Buffer.from('unwanted') });
      assert.equal((await clients.pullOne(dead.subscription)).message.data.toString(), 'unwanted');
      assert.deepEqual(
        endpoint.pushes.map(({ deliveryAttempt }) => deliveryAttempt),
        [1, 2, 3, 4, 5],
      );
    },
  );

  test('a push subscription cannot be pulled from', async () => {
    const clients = backend.clients();
    const endpoint = new Endpoint([200]);
    const { subscription } = await clients.pair({ pushConfig: { pushEndpoint: await endpoint.listen() } });
    const stream = clients.subscriber.streamingPull();
    const ended = once(stream, 'end');
    stream.write({ subscription: subscription.name, streamAckDeadlineSeconds: 10 });
    await assert.rejects(ended, { code: status.FAILED_PRECONDITION });
  });

  test('a function of the Functions Framework gets a CloudEvent', async () => {
    const clients = backend.clients();
    const got = Promise.withResolvers<CloudEvent<{ message: Push['message'] }>>();
    cloudEvent('contract-push', (event: CloudEvent<{ message: Push['message'] }>) => got.resolve(event));
    const server = getTestServer('contract-push');
    after(() => server.close());
    const topic = await clients.topic();
    const pushEndpoint = `${await listen(server)}/${topic.name}`;
    await clients.subscription(topic, { pushConfig: { pushEndpoint } });
    await topic.publishMessage({ data: Buffer.from('event'), attributes: { why: 'schedule' } });
    const { type, source, data } = await got.promise;
    assert.equal(type, 'google.cloud.pubsub.topic.v1.messagePublished');
    assert.equal(source, `//pubsub.googleapis.com/${topic.name}`);
    assert.equal(Buffer.from(data?.message.data ?? '', 'base64').toString(), 'event');
    assert.deepEqual(data?.message.attributes, { why: 'schedule' });
  });
});
