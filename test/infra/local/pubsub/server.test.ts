import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { startPubSub } from '#local/pubsub/server.ts';
import { openStore } from '#local/pubsub/store.ts';
import { Clients } from '#test/contract/pubsub/clients.ts';

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pubsub-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test('a port in use stops the start with a sentence that names it', async () => {
  const first = await startPubSub();
  const expected = new RegExp(`cannot listen on 127\\.0\\.0\\.1:${first.port}`);
  await assert.rejects(startPubSub({ port: first.port }), { message: expected });
  await first.close();
});

test('a second server on the same data is refused, until the first has closed', async t => {
  const dataFolder = await temporaryFolder(t);
  const first = await startPubSub({ dataFolder });
  await assert.rejects(startPubSub({ dataFolder }), { message: /another process has it open/ });
  await first.close();
  const second = await startPubSub({ dataFolder });
  await second.close();
});

test('a data folder that cannot be made stops the start with a sentence that names it', async t => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'file'), '');
  const dataFolder = join(folder, 'file', 'data');
  await assert.rejects(startPubSub({ dataFolder }), { message: /cannot open its data .*file\/data/ });
});

test('a message that nobody acknowledged for 7 days is dropped', async t => {
  const dataFolder = await temporaryFolder(t);
  const day = 24 * 3600 * 1000;
  const setUp = await startPubSub({ dataFolder });
  const before = new Clients(setUp.address);
  const { subscription } = await before.pair();
  await before.close();
  await setUp.close();
  const store = openStore(dataFolder);
  for (const age of [8, 6]) {
    store.addPending(subscription.name, {
      id: String(age),
      data: Buffer.from(`${age} days old`),
      attributes: {},
      publishTime: Date.now() - age * day,
    });
  }
  store.close();

  const server = await startPubSub({ dataFolder });
  const clients = new Clients(server.address);
  const ready = await clients.pullReady(subscription);
  assert.deepEqual(
    ready.map(({ message }) => message.data.toString()),
    ['6 days old'],
  );
  await clients.close();
  await server.close();
});

test('closing does not wait for those who pull', async () => {
  const server = await startPubSub();
  const clients = new Clients(server.address);
  const { subscription } = await clients.pair();
  const request = { subscription: subscription.name, maxMessages: 1 };
  const pulled = assert.rejects(clients.subscriber.pull(request, { retry: null }), {
    code: status.UNAVAILABLE,
  });
  await clients.pullReady(subscription);
  await server.close();
  await pulled;
  await clients.close();
});

test('closing ends streams with UNAVAILABLE, after which alone clients come back', async () => {
  const server = await startPubSub();
  const clients = new Clients(server.address);
  const { subscription } = await clients.pair();
  const stream = clients.subscriber.streamingPull();
  const opened = once(stream, 'data');
  const ended = assert.rejects(once(stream, 'end'), {
    code: status.UNAVAILABLE,
    details: 'Server shutdownNow invoked',
  });
  stream.write({ subscription: subscription.name, streamAckDeadlineSeconds: 10 });
  await opened;
  await server.close();
  await ended;
  await clients.close();
});
