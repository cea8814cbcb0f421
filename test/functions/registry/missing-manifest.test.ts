// A tag whose manifest is not stored any more: it is made again, and whoever pulls it waits. Never an error.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test, type TestContext } from 'node:test';
import type { Digest } from '#core/digest.ts';
import type { PullState } from '#core/google/pull-state.ts';
import type { WaitingParts } from '#functions/registry/waiting.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { IMPATIENT, Scene } from './scene.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());
beforeEach(async () => {
  await cloud.takeHints('pull');
});

/** An image whose manifest somebody has deleted. */
async function withoutManifest(context: TestContext, parts: Partial<WaitingParts> = {}) {
  const scene = await Scene.set(cloud, context, parts);
  await scene.make('deleted', 'r1');
  const digest = await digestOf(scene);
  await cloud.firestore.collection('manifests').doc(digest).delete();
  return { scene, digest };
}

async function digestOf({ asked }: Scene): Promise<Digest> {
  const current = (await cloud.images.read(asked.key)).document?.current;
  assert.ok(current);
  return current.digest;
}

describe('a tag whose manifest is missing', IMPATIENT, () => {
  test('is built once for all who pull it, who wait for that', async context => {
    const { log, lines } = collectLog();
    const { scene } = await withoutManifest(context, { log });
    const answers = scene.pulls(20);
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    const build = await scene.build();
    assert.deepEqual([build.state, 'by' in build && build.by], ['queued', 'pull']);
    await scene.make('made again', 'r1');
    for (const { status, body } of await answers)
      assert.deepEqual([status, body.toString()], [200, 'made again']);
    assert.equal(lines.filter(({ message }) => /no manifest any more/.test(String(message))).length, 1);
  });

  test('may be the same again, byte for byte', async context => {
    const { scene, digest } = await withoutManifest(context);
    const answer = scene.pull();
    await cloud.hintsAt(scene.asked.key, 'pull');
    await scene.make('deleted', 'r1');
    assert.equal((await answer).headers['docker-content-digest'], digest);
  });

  test('but in what the instance remembers is read again, past that, and nothing is written', async context => {
    let remembered: PullState | undefined;
    const { scene } = await withoutManifest(context, {
      cacheMs: 30_000,
      readPullState: async (...asked) => {
        const state = remembered ?? (await cloud.readPullState(...asked));
        remembered = undefined;
        return state;
      },
    });
    remembered = await cloud.readPullState(scene.asked.key, scene.asked.request);
    await scene.make('another by now', 'r1');
    const { version } = await cloud.images.read(scene.asked.key);
    assert.equal((await scene.pull()).body.toString(), 'another by now');
    assert.equal(remembered, undefined);
    assert.equal((await scene.pull()).body.toString(), 'another by now');
    assert.deepEqual((await cloud.images.read(scene.asked.key)).version, version);
  });

  test('whose refresh is under way waits for that one', async context => {
    const { scene } = await withoutManifest(context);
    await scene.queue('refresh');
    await scene.claim();
    const answer = scene.pull();
    for (;;) {
      const build = await scene.build();
      if ('by' in build && build.by === 'pull') break;
    }
    assert.deepEqual((await cloud.images.read(scene.asked.key)).document?.current, undefined);
    await scene.make('by the refresh', 'r1');
    assert.equal((await answer).body.toString(), 'by the refresh');
  });

  test('is none whose manifest is there: that is served on', async context => {
    const { scene, digest } = await withoutManifest(context);
    const { key } = scene.asked;
    await scene.make('deleted', 'r1');
    const { version } = await cloud.images.read(key);
    assert.equal(await cloud.images.loseIfMissing(key, digest), false);
    assert.deepEqual((await cloud.images.read(key)).version, version);
  });
});
