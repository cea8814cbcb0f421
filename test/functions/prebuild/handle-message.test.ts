// Prebuilds over the real stand-ins: what each state of an image comes to.
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { PackageSource } from '#core/package-source.ts';
import { createAsking } from '#functions/asking.ts';
import { handlePrebuildMessage } from '#functions/prebuild/handle-message.ts';
import { createWorkerMachine, NO_MACHINE } from '#functions/worker-machine/worker-machine.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { offerOf } from '#test/core/deployment.ts';
import { HOUR, MINUTE, Scene } from '#test/functions/registry/scene.ts';
import { POLICY } from '#test/functions/registry/served.ts';
import { startMachine } from '#test/functions/worker-machine/machine-stand-in.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** Handles a message, as the function does, and answers what it logged. */
async function handle(data: string, source?: PackageSource, machine = NO_MACHINE) {
  const { log, lines } = collectLog();
  const { images, sources, hints, readPullState } = cloud;
  const asking = createAsking({ images, sources, hints, policy: POLICY, log });
  await handlePrebuildMessage(
    { log, policy: POLICY, asking, readPullState, machine },
    offerOf(source),
    Buffer.from(data),
  );
  return lines;
}

async function prebuild(scene: Scene): Promise<void> {
  await handle(JSON.stringify({ images: [scene.asked.name] }), scene.asked.request.source);
}

async function isQueued({ asked }: Scene): Promise<void> {
  const build = await cloud.buildOf(asked.key);
  assert.deepEqual([build.state, 'by' in build && build.by], ['queued', 'refresh']);
  assert.deepEqual(await cloud.takeHints('refresh'), [asked.key]);
  assert.deepEqual(await cloud.takeHints('pull'), []);
}

/** Neither the document nor the workers were touched by what happens in `then`. */
async function isLeftAlone({ asked }: Scene, then: () => Promise<unknown>): Promise<void> {
  const { version } = await cloud.images.read(asked.key);
  await then();
  assert.deepEqual((await cloud.images.read(asked.key)).version, version);
  assert.deepEqual(await cloud.takeHints('refresh'), []);
  assert.deepEqual(await cloud.takeHints('pull'), []);
}

const sceneOf = (context: TestContext): Promise<Scene> => Scene.set(cloud, context);

describe('a prebuild', () => {
  test('has the worker’s machine started where something is queued, and not where nothing is', async context => {
    const { instance, calls } = await startMachine(context);
    const machine = createWorkerMachine(instance, collectLog().log);
    const scene = await sceneOf(context);
    await scene.make('there', 'r1');
    const { source } = scene.asked.request;
    await handle(JSON.stringify({ images: [scene.asked.name] }), source, machine);
    assert.deepEqual(calls, []);
    const { name, key } = cloud.newImage();
    await handle(JSON.stringify({ images: [name] }), undefined, machine);
    assert.deepEqual(calls, ['get 200', 'start 200']);
    assert.deepEqual(await cloud.takeHints('refresh'), [key]);
  });

  test('of images that are not there queues each once, and is logged', async () => {
    const images = Array.from({ length: 40 }, () => cloud.newImage());
    const names = images.map(({ name }) => name);
    const lines = await handle(
      JSON.stringify({ images: [...names, ...names.map(name => `${name}:latest`)] }),
    );
    const hints = await cloud.takeHints('refresh');
    assert.equal(hints.length, images.length);
    assert.deepEqual(new Set(hints), new Set(images.map(({ key }) => key)));
    for (const { key, request } of images) {
      const { document } = await cloud.images.read(key);
      assert.deepEqual(document?.request, request);
      assert.ok(document.build.state === 'queued');
      assert.equal(document.build.by, 'refresh');
    }
    assert.deepEqual(
      lines.map(({ message, images: count, queued }) => [message, count, queued]),
      [['prebuilds queued', 40, 40]],
    );
  });

  test('leaves out what is wrong, says which and why, and goes on', async () => {
    const { name, key } = cloud.newImage();
    const lines = await handle(JSON.stringify({ images: ['No Image', name, 7] }));
    assert.deepEqual(await cloud.takeHints('refresh'), [key]);
    const refused = lines.filter(line => line['message'] === 'an image cannot be prebuilt');
    assert.deepEqual(
      refused.map(line => line['name']),
      ['No Image', '7'],
    );
    assert.match(String(refused[0]?.['reason']), /lower-case letters/);
  });

  test('of what is not understood is logged, and not tried again', async () => {
    const lines = await handle('shell/git');
    const [line] = lines;
    assert.equal(line?.['message'], 'a message was dropped: it asks for no prebuilds');
    assert.match(JSON.stringify(line?.['error']), /not JSON/);
  });

  test('of an image that is up to date does nothing', async context => {
    const scene = await sceneOf(context);
    await scene.make('up to date', 'r1');
    await isLeftAlone(scene, () => prebuild(scene));
  });

  test('of an image whose source has moved has it refreshed', async context => {
    const scene = await sceneOf(context);
    await scene.make('stale', 'r1');
    await scene.look('r2');
    await prebuild(scene);
    await isQueued(scene);
  });

  test('of an image whose source was not looked at has the image looked after, not the source alone', async context => {
    const scene = await sceneOf(context);
    await scene.make('of yesterday', 'r1');
    await scene.ago('sources', 'resolved.checkedAt', 24 * HOUR);
    await scene.ago('images', 'current.checkedAt', 24 * HOUR);
    await prebuild(scene);
    await isQueued(scene);
  });

  for (const by of ['pull', 'refresh'] as const) {
    test(`of what was asked for by a ${by} leaves it so`, async context => {
      const scene = await sceneOf(context);
      await scene.queue(by);
      await isLeftAlone(scene, () => prebuild(scene));
      await scene.claim();
      await isLeftAlone(scene, () => prebuild(scene));
    });
  }

  test('of what failed a moment ago waits, and of what failed a minute ago tries again', async context => {
    const scene = await sceneOf(context);
    await scene.look('r1');
    await scene.fail({ kind: 'build_failed', message: 'it does not build' }, 'r1');
    await isLeftAlone(scene, () => prebuild(scene));
    await scene.ago('images', 'build.failedAt', MINUTE + 1_000);
    await prebuild(scene);
    await isQueued(scene);
  });

  test('of an older image whose refresh failed a moment ago waits, too', async context => {
    const scene = await sceneOf(context);
    await scene.make('older', 'r1');
    await scene.look('r2');
    await scene.fail({ kind: 'build_failed', message: 'it does not build any more' }, 'r2');
    await isLeftAlone(scene, () => prebuild(scene));
    await scene.ago('images', 'build.failedAt', MINUTE + 1_000);
    await prebuild(scene);
    await isQueued(scene);
  });

  test('of an older image whose refresh failed a moment ago has the source looked at, once that is due', async context => {
    const scene = await sceneOf(context);
    await scene.make('older', 'r1');
    await scene.look('r2');
    await scene.fail({ kind: 'build_failed', message: 'it does not build any more' }, 'r2');
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    await scene.ago('images', 'current.checkedAt', POLICY.freshMs + MINUTE);
    await prebuild(scene);
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);
    assert.equal((await scene.build()).state, 'failed');
  });

  test('of what is refused has the source looked at, once that is due', async context => {
    const scene = await sceneOf(context);
    await scene.look('r1');
    await scene.fail({ kind: 'refused', message: 'unfree' }, 'r1');
    await isLeftAlone(scene, () => prebuild(scene));
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    await prebuild(scene);
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);
    assert.equal((await scene.build()).state, 'failed');
  });

  test('of a document that this code does not know leaves it out, and goes on', async () => {
    const [strange, known] = [cloud.newImage(), cloud.newImage()];
    await cloud.firestore.collection('images').doc(strange.key).create({ build: 'of another version' });
    const lines = await handle(JSON.stringify({ images: [strange.name, known.name] }));
    assert.deepEqual(await cloud.takeHints('refresh'), [known.key]);
    assert.match(String(lines[0]?.['message']), /an image was left out/);
    assert.equal(lines[0]?.['name'], `${strange.name}:latest`);
  });
});
