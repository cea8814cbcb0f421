// The stand-in keeps its promises across restarts. The official emulator keeps nothing, so this is ours alone.
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { startPubSub } from '#local/pubsub/server.ts';
import { Clients } from './clients.ts';
import { Inbox } from './inbox.ts';

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pubsub-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** The stand-in in a process of its own, which can be killed. */
async function spawnServer(
  t: TestContext,
  dataFolder: string,
  port = 0,
): Promise<{ child: ChildProcess; port: number; kill(): Promise<void> }> {
  const child = fork(join(import.meta.dirname, 'serve.ts'), [dataFolder, String(port)]);
  t.after(() => child.kill('SIGKILL'));
  const [listening] = (await once(child, 'message')) as [{ port: number }];
  const kill = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return { child, port: listening.port, kill };
}

function connect(t: TestContext, port: number): Clients {
  const clients = new Clients(`127.0.0.1:${port}`);
  t.after(() => clients.close());
  return clients;
}

describe('restart', { timeout: 120_000, concurrency: 2 }, () => {
  test('after kill -9 every answered publish is delivered, and only what was not acknowledged', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await spawnServer(t, dataFolder);
    const before = connect(t, first.port);
    const { topic, subscription } = await before.pair();
    for (const text of ['one', 'two', 'three']) await topic.publishMessage({ data: Buffer.from(text) });
    const acknowledged = await before.pullOne(subscription);
    await before.acknowledge(subscription, acknowledged.ackId);
    const leased = await before.pullOne(subscription);

    // Published without a pause until the server is gone: what was answered must be there.
    const answered: string[] = [];
    const publishing = (async () => {
      for (let index = 0; ; index += 1) {
        await topic.publishMessage({ data: Buffer.from(String(index)) });
        answered.push(String(index));
        if (index === 20) void first.kill();
      }
    })();
    publishing.catch(() => undefined);
    await once(first.child, 'exit');

    const second = await spawnServer(t, dataFolder);
    const after = connect(t, second.port);
    const done = acknowledged.message.data.toString();
    const expected = new Set(['one', 'two', 'three', ...answered]);
    expected.delete(done);
    const delivered = new Set<string>();
    while ([...expected].some(text => !delivered.has(text))) {
      const { message, ackId } = await after.pullOne(subscription);
      delivered.add(message.data.toString());
      await after.acknowledge(subscription, ackId);
    }
    assert.ok(!delivered.has(done));
    // An acknowledgement from before the kill does no harm.
    await after.acknowledge(subscription, leased.ackId);
    const [{ topic: named }] = await after.pubsub.subscription(subscription.name).getMetadata();
    assert.equal(named, topic.name);
  });

  test('delivery attempts are counted across a kill', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await spawnServer(t, dataFolder);
    const before = connect(t, first.port);
    const dead = await before.pair();
    const deadLetterPolicy = { deadLetterTopic: dead.topic.name, maxDeliveryAttempts: 5 };
    const { topic, subscription } = await before.pair({ deadLetterPolicy });
    await topic.publishMessage({ data: Buffer.from('kills its reader') });
    for (const attempt of [1, 2, 3]) {
      const { ackId, deliveryAttempt } = await before.pullOne(subscription);
      assert.equal(deliveryAttempt, attempt);
      await before.modifyDeadline(subscription, ackId, 0);
    }
    assert.equal((await before.pullOne(subscription)).deliveryAttempt, 4);
    await first.kill();

    const second = await spawnServer(t, dataFolder);
    const during = connect(t, second.port);
    assert.equal((await during.pullOne(subscription)).deliveryAttempt, 5);
    await second.kill();

    const third = await spawnServer(t, dataFolder);
    const after = connect(t, third.port);
    assert.equal((await after.pullOne(dead.subscription)).message.data.toString(), 'kills its reader');
    assert.deepEqual(await after.pullReady(subscription), []);
  });

  for (const end of ['kill -9', 'a shutdown'] as const) {
    test(`a subscriber's streams come back by themselves after ${end}`, async t => {
      const dataFolder = await temporaryFolder(t);
      const first = await spawnServer(t, dataFolder);
      const clients = connect(t, first.port);
      const { topic, subscription } = await clients.pair();
      const inbox = new Inbox(subscription, message => message.ack());
      await topic.publishMessage({ data: Buffer.from('before') });
      await inbox.next();
      if (end === 'kill -9') {
        await first.kill();
      } else {
        first.child.send('close');
        await once(first.child, 'exit');
      }
      await spawnServer(t, dataFolder, first.port);
      await topic.publishMessage({ data: Buffer.from('after') });
      // What was acknowledged a moment before the kill may come again: at least once.
      let text = '';
      while (text !== 'after') text = (await inbox.next()).data.toString();
      await inbox.close();
    });
  }

  test('a deleted topic and a deleted subscription stay deleted', async t => {
    const dataFolder = await temporaryFolder(t);
    const first = await startPubSub({ dataFolder });
    const before = new Clients(first.address);
    const { topic, subscription: deleted } = await before.pair();
    const recreated = await before.subscription(topic);
    const orphan = await before.subscription(topic);
    await topic.publishMessage({ data: Buffer.from('x') });
    await deleted.delete();
    await recreated.delete();
    await topic.createSubscription(recreated.name);
    await topic.delete();
    await before.close();
    await first.close();

    const second = await startPubSub({ dataFolder });
    const after = new Clients(second.address);
    assert.deepEqual(await after.pubsub.topic(topic.name).exists(), [false]);
    assert.deepEqual(await after.pubsub.subscription(deleted.name).exists(), [false]);
    assert.deepEqual(await after.pullReady(recreated), []);
    const [{ topic: named }] = await after.pubsub.subscription(orphan.name).getMetadata();
    assert.equal(named, '_deleted-topic_');
    assert.equal((await after.pullOne(orphan)).message.data.toString(), 'x');
    await after.close();
    await second.close();
  });
});
