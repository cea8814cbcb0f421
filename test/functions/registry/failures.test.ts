// Failures that hold: a retry loop costs nothing, and what may have changed is tried again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Failure } from '#core/failure.ts';
import { Cloud } from '#test/cloud.ts';
import { HOUR, IMPATIENT, MINUTE, Scene } from './scene.ts';
import { POLICY } from './served.ts';
import { specError } from './spec-errors.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const REFUSED: Failure = { kind: 'refused', message: '"unrar" is unfree' };
const BROKEN: Failure = { kind: 'build_failed', message: 'hello failed', log: 'make: *** Error 1' };

describe('a failure', () => {
  async function isToldAgain(scene: Scene, failure: Failure): Promise<void> {
    const { message } = specError(await scene.pull(), 403);
    assert.ok(message.startsWith(failure.message), message);
    assert.equal((await scene.build()).state, 'failed');
    assert.deepEqual(await cloud.takeHints('pull'), []);
  }

  async function isTriedAgain(scene: Scene): Promise<void> {
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.make('now it works', 'r1');
    assert.equal((await answer).body.toString(), 'now it works');
  }

  test('that is a refusal holds until the source moves', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.look('r1');
    await scene.fail(REFUSED, 'r1');
    await isToldAgain(scene, REFUSED);
    await scene.ago('images', 'build.failedAt', 48 * HOUR);
    await isToldAgain(scene, REFUSED);
    assert.deepEqual(await cloud.takeHints('refresh'), []);

    // Nobody knows whether it has moved: it is told again, and a worker looks.
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    await isToldAgain(scene, REFUSED);
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);

    await scene.look('r2');
    await isTriedAgain(scene);
  });

  test('that is a refusal replaces the image that was served', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.make('insecure since yesterday', 'r1');
    await scene.look('r2');
    await scene.fail(REFUSED, 'r2');
    await isToldAgain(scene, REFUSED);
  });

  test('of a newer build leaves the older image to be served', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.make('the last that was built', 'r1');
    await scene.look('r2');
    await scene.fail(BROKEN, 'r2');
    assert.equal((await scene.pull()).body.toString(), 'the last that was built');
    assert.deepEqual(await cloud.takeHints('refresh'), []);
    await scene.ago('images', 'build.failedAt', MINUTE + 1_000);
    assert.equal((await scene.pull()).body.toString(), 'the last that was built');
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.asked.key]);
  });

  test('T4: of a build holds for a minute, and five of them for the hour', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.look('r1');
    await scene.fail(BROKEN, 'r1');
    await isToldAgain(scene, BROKEN);
    for (let failures = 2; failures <= 5; failures++) {
      await scene.ago('images', 'build.failedAt', MINUTE + 1_000);
      const answer = scene.pull();
      assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1, `failure ${failures}`);
      await scene.fail(BROKEN, 'r1');
      specError(await answer, 403);
    }
    await scene.ago('images', 'build.failedAt', 30 * MINUTE);
    await isToldAgain(scene, BROKEN);
    const [, ...others] = Array.from({ length: 5 }, () => new Date());
    await scene.change('images', 'failuresAt', [new Date(Date.now() - HOUR - MINUTE), ...others]);
    await isTriedAgain(scene);
  });

  test('at a revision that is found while a pull waits is told at once', IMPATIENT, async context => {
    const scene = await Scene.set(cloud, context);
    await scene.look('r1');
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.look('r2');
    await scene.fail(REFUSED, 'r2');
    assert.match(specError(await answer, 403).message, /unfree/);
  });
});
