import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test, type TestContext } from 'node:test';
import { PubSub } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';
import { byCodeUnits } from '#core/order.ts';
import { Supervisor } from '#local/supervisor.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PROJECT = 'derivery-local';
process.env['METADATA_SERVER_DETECTION'] = 'none';

async function startStandIns(context: TestContext, folder: string) {
  const supervisor = new Supervisor({ onLine: console.error, onNotice: () => {}, onProcesses: () => {} });
  context.after(() => supervisor.stop());
  const { environment = {} } = await supervisor.start({
    name: 'stand-ins',
    file: resolve(import.meta.dirname, '../../../infra/local/stand-ins.ts'),
    environment: () => ({
      ...process.env,
      GOOGLE_CLOUD_PROJECT: PROJECT,
      STAND_INS_FIRESTORE: join(folder, 'firestore'),
      STAND_INS_PUBSUB: join(folder, 'pubsub'),
      STAND_INS_STORAGE: join(folder, 'storage'),
      STAND_INS_IAM: join(folder, 'iam'),
    }),
    restarts: false,
  });
  const [host, port] = environment['PUBSUB_EMULATOR_HOST']?.split(':') ?? [];
  const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint: `${host}:${port}`, emulatorMode: true });
  context.after(() => pubsub.close());
  return { supervisor, environment, pubsub };
}

/** `projects/p/topics/builds` → `builds`, sorted. */
function shortNames(resources: readonly { name: string }[]): string[] {
  return resources.map(({ name }) => name.split('/').at(-1) ?? '').sort(byCodeUnits);
}

await suite('stand-ins', { timeout: 30_000 }, () => {
  test('have what Terraform creates, at the first start and at the next', async context => {
    const folder = await temporaryFolder(context);
    for (const start of ['first', 'next']) {
      const { supervisor, environment, pubsub } = await startStandIns(context, folder);
      const [topics] = await pubsub.getTopics();
      const names = ['builds', 'maintenance', 'prebuilds', 'refreshes'];
      assert.deepEqual(shortNames(topics), names, start);
      const [subscriptions] = await pubsub.getSubscriptions();
      assert.deepEqual(shortNames(subscriptions), names, start);
      const apiEndpoint = environment['STORAGE_EMULATOR_HOST'] ?? '';
      const storage = new Storage({ projectId: PROJECT, apiEndpoint });
      assert.deepEqual(await storage.bucket(environment['DERIVERY_BUCKET'] ?? '').exists(), [true]);
      await supervisor.stop();
    }
  });

  test('serve blobs at the address that clients are sent to', async context => {
    const { environment } = await startStandIns(context, await temporaryFolder(context));
    const storage = new Storage({
      projectId: PROJECT,
      apiEndpoint: environment['STORAGE_EMULATOR_HOST'] ?? '',
    });
    await storage
      .bucket(environment['DERIVERY_BUCKET'] ?? '')
      .file('blobs/sha256/ab')
      .save('bytes', { resumable: false });
    const answer = await fetch(`${environment['DERIVERY_BLOB_URL']}/sha256/ab`);
    assert.equal(await answer.text(), 'bytes');
  });

  test('post the messages of a topic to a function', async context => {
    const { supervisor, pubsub } = await startStandIns(context, await temporaryFolder(context));
    const server = createServer().listen(0, '127.0.0.1');
    context.after(() => server.close().closeAllConnections());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const request = once(server, 'request') as Promise<[IncomingMessage]>;
    // What is published before the function says where it listens waits for it.
    await pubsub.topic('maintenance').publishMessage({ json: { sweep: true } });
    supervisor.send('stand-ins', { type: 'push', topic: 'maintenance', port });
    const [incoming] = await request;
    assert.equal(incoming.url, `/projects/${PROJECT}/topics/maintenance`);
    const { message } = JSON.parse(await text(incoming)) as { message: { data: string } };
    assert.deepEqual(JSON.parse(Buffer.from(message.data, 'base64').toString()), { sweep: true });
  });
});
