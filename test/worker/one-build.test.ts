// However many ask for an image, and however often workers are told of it, it is built once.
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { encodeHint } from '#core/hint.ts';
import type { Manifest } from '#core/google/manifests.ts';
import type { RequestKey } from '#core/image-request.ts';
import { buildImage, type MakeImage } from '#worker/build-image.ts';
import { startIntake } from '#worker/intake.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud, PROJECT, TOPICS } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { Served, waitingOn } from '#test/functions/registry/served.ts';
import { toldRoom } from '#test/functions/registry/told-room.ts';
import { published } from '#test/published.ts';

/** So long that no test gets there. Milliseconds. */
const HOLD = 120_000;

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** A worker whose every build is `makeImage`; it tells of each hint that it has dealt with. */
async function startWorker(context: TestContext, makeImage: MakeImage, dealtWith: () => void): Promise<void> {
  const { log } = collectLog();
  const stopping = new AbortController();
  const fail = (what: string) => () => assert.fail(what);
  const { images, hints } = cloud;
  const intake = await startIntake({
    projectId: PROJECT,
    subscriptions: TOPICS,
    slots: 60,
    dropDeclinedAfterMs: Infinity,
    onBroken: fail('the subscription broke'),
    log,
    handle: async ({ key }) => {
      const handled = await buildImage(
        {
          images,
          hints,
          revisions: {
            forImage: async (_request, now) => ({ revision: 'r1', gitRef: undefined, checkedAt: now }),
            refresh: fail('no source is to be looked at'),
          },
          makeImage,
          makeIndex: fail('no index is to be made'),
          mend: fail('nothing is to be mended'),
          settings: SETTINGS,
          isNewDecline: fail('nothing is to be declined'),
          makeRoom: async () => {},
          leaseSeconds: 600,
          limitSeconds: 600,
          log,
          stopping: stopping.signal,
        },
        key as RequestKey,
      );
      dealtWith();
      return handled;
    },
  });
  context.after(() => {
    stopping.abort();
    return intake.stop();
  });
}

describe('of many who ask and tell', { timeout: 60_000 }, () => {
  test('T1, N6: 1,000 pulls of a new image at four instances have three workers build it once, told once', async context => {
    const log = collectLog().log;
    const rooms = Array.from({ length: 4 }, () => toldRoom(250));
    const registries = await Promise.all(
      rooms.map(({ room }) =>
        Served.start('node:http', cloud, HOLD, { waiting: waitingOn(cloud, { log, room }) }),
      ),
    );
    for (const registry of registries) context.after(() => registry[Symbol.asyncDispose]());
    const all = Promise.all(rooms.map(({ entered }) => entered));
    let [made, told] = [0, 0];
    // It ends when all of them wait for it.
    const makeImage = async (): Promise<Manifest> => {
      made += 1;
      await all;
      return published('for a thousand').manifest;
    };
    for (let worker = 0; worker < 3; worker += 1) await startWorker(context, makeImage, () => (told += 1));

    const { name } = cloud.newImage();
    const pulls = registries.flatMap(registry =>
      Array.from({ length: 250 }, () => registry.send(`/v2/${name}/manifests/latest`)),
    );
    const answers = await Promise.all(pulls);
    assert.deepEqual(
      new Set(answers.map(({ status, body }) => `${status} ${String(body)}`)),
      new Set(['200 for a thousand']),
    );
    assert.deepEqual([made, told], [1, 1]);
  });

  test('T3: hints that come three times each, in any order, are dealt with, and each image is built once', async context => {
    const images = await Promise.all(Array.from({ length: 20 }, () => cloud.newQueued()));
    const topic = cloud.pubsub.topic(TOPICS.pull);
    const hints = images.flatMap(({ key }) => [key, key, key]);
    // Each at a place that has nothing to do with its image's.
    const shuffled = hints.map((key, at) => ({ key, place: (at * 37) % hints.length }));
    shuffled.sort((a, b) => a.place - b.place);
    for (const { key } of shuffled) await topic.publishMessage({ data: encodeHint({ look: 'image', key }) });

    // Every other image is still being built when the last hint is dealt with; the rest are ready before.
    const slow = new Set(images.filter((_, at) => at % 2 === 0).map(({ name }) => name));
    const [onlySlow, none] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let left = hints.length;
    const dealtWith = (): void => {
      left -= 1;
      if (left === slow.size) onlySlow.resolve();
      if (left === 0) none.resolve();
    };
    const made = new Map<string, number>();
    const makeImage: MakeImage = async ({ packages: [name = ''] }) => {
      const times = (made.get(name) ?? 0) + 1;
      made.set(name, times);
      if (times > 1) onlySlow.resolve();
      if (slow.has(name)) await onlySlow.promise;
      return published(name).manifest;
    };
    for (let worker = 0; worker < 2; worker += 1) await startWorker(context, makeImage, dealtWith);
    await none.promise;
    assert.deepEqual(Object.fromEntries(made), Object.fromEntries(images.map(({ name }) => [name, 1])));
    for (const { key } of images) assert.equal((await cloud.images.read(key)).document?.build.state, 'none');
  });
});
