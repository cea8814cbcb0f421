// The function as the local system runs it: behind Google's framework, with its messages posted by Pub/Sub.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PubSub } from '@google-cloud/pubsub';
import { openFirestore } from '#core/google/firestore.ts';
import { openImages } from '#core/google/images.ts';
import { parseImageRequest, requestKey, type RequestKey } from '#core/image-request.ts';
import { parseRepositoryName, parseTag } from '#core/reference.ts';
import { startFirestore } from '#local/firestore/server.ts';
import { listenGrpc } from '#local/grpc-server.ts';
import { startPubSub } from '#local/pubsub/server.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';
import { pushTo } from '#local/resources.ts';
import { Supervisor } from '#local/supervisor.ts';

const PROJECT = 'test';
process.env['METADATA_SERVER_DETECTION'] = 'none';

type Line = Readonly<Record<string, unknown>>;

/** Starts the function; answers its port, and its log line by line. */
async function startPrebuild(context: TestContext, environment: NodeJS.ProcessEnv) {
  const waiting: ((line: Line) => void)[] = [];
  const lines: Line[] = [];
  const supervisor = new Supervisor({
    onLine: (_, text) => {
      const line = (text.startsWith('{') ? JSON.parse(text) : { message: text }) as Line;
      const next = waiting.shift();
      if (next === undefined) lines.push(line);
      else next(line);
    },
    onNotice: () => {},
    onProcesses: () => {},
  });
  context.after(() => supervisor.stop());
  const { port = 0 } = await supervisor.start({
    name: 'prebuild',
    file: resolve(import.meta.dirname, '../../../infra/local/function-server.ts'),
    environment: () => ({
      ...process.env,
      ...environment,
      NODE_ENV: 'production',
      GOOGLE_CLOUD_PROJECT: PROJECT,
      DERIVERY_SOURCE: 'debian',
      PORT: '0',
      FUNCTION_SOURCE: resolve(import.meta.dirname, '../../../functions/prebuild/index.ts'),
      FUNCTION_TARGET: 'prebuild',
      FUNCTION_SIGNATURE_TYPE: 'cloudevent',
    }),
    restarts: false,
  });
  const nextLine = (): Promise<Line> =>
    new Promise(told => {
      const line = lines.shift();
      if (line === undefined) waiting.push(told);
      else told(line);
    });
  return {
    port,
    untilLogged: async (message: string) => {
      for (;;) {
        const line = await nextLine();
        if (line['message'] === message) return line;
      }
    },
  };
}

function keyOf(name: string): RequestKey {
  return requestKey(parseImageRequest(parseRepositoryName(name), parseTag('latest'), offerOf()), SETTINGS);
}

test(
  'prebuilds arrive by Pub/Sub, and again after a database that was not there',
  { timeout: 60_000 },
  async context => {
    const queue = await startPubSub({});
    context.after(() => queue.close());
    process.env['PUBSUB_EMULATOR_HOST'] = queue.address;
    const pubsub = new PubSub({ projectId: PROJECT });
    context.after(() => pubsub.close());
    for (const name of ['builds', 'refreshes', 'prebuilds']) {
      const [topic] = await pubsub.createTopic(name);
      await topic.createSubscription(name);
    }

    // Where Firestore should be, something that answers every call with an error.
    const unable = await listenGrpc([]);
    process.env['FIRESTORE_EMULATOR_HOST'] = unable.address;
    const { port, untilLogged } = await startPrebuild(context, process.env);
    await pushTo(pubsub, 'prebuilds', port);
    const prebuilds = pubsub.topic('prebuilds');

    await prebuilds.publishMessage({ data: Buffer.from('not JSON') });
    await untilLogged('a message was dropped: it asks for no prebuilds');
    await prebuilds.publishMessage({ attributes: { images: 'git' } });
    await untilLogged('a message was dropped: it asks for no prebuilds');

    await prebuilds.publishMessage({ json: { images: ['shell/git', 'curl:latest', 'No Image'] } });
    await untilLogged('the prebuilds are not queued: the message will be delivered again');
    unable.close();
    const database = await startFirestore({ port: unable.port });
    context.after(() => database.close());
    const { images } = await untilLogged('prebuilds queued');
    assert.equal(images, 2);

    const firestore = openFirestore(PROJECT, '(default)');
    context.after(() => firestore.terminate());
    for (const name of ['shell/git', 'curl']) {
      const { document } = await openImages(firestore).read(keyOf(name));
      assert.equal(document?.build.state, 'queued', name);
    }
  },
);
