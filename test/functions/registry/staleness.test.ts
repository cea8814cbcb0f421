// Images whose source moves on: what a pull is told, and what it sets going.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openHints } from '#core/google/hints.ts';
import { Cloud, PROJECT } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { HOUR, IMPATIENT, MINUTE, Scene } from './scene.ts';
import { POLICY } from './served.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

describe('a pull of an image whose source', () => {
  test('has moved is answered at once, and has it refreshed by the time it is answered', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.make('made at r1', 'r1');
    assert.equal((await scene.pull()).body.toString(), 'made at r1');
    assert.equal((await scene.build()).state, 'none');

    await scene.look('r2');
    assert.equal((await scene.pull()).body.toString(), 'made at r1');
    const build = await scene.build();
    assert.deepEqual([build.state, 'by' in build && build.by], ['queued', 'refresh']);
    // Sent, not only begun to be: an instance may be stopped behind its answer.
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.asked.key]);

    assert.deepEqual(new Set((await scene.pulls(20)).map(({ status }) => status)), new Set([200]));
    assert.deepEqual(await cloud.takeHints('refresh'), []);
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('was not looked at for long is answered, and has a worker look, once', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.make('old, and maybe not', 'r1');
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    await scene.ago('images', 'current.checkedAt', POLICY.freshMs + MINUTE);
    for (const { status } of await scene.pulls(100)) assert.equal(status, 200);
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);
    assert.equal((await scene.build()).state, 'none');

    // Nobody looked, a minute later.
    await scene.ago('sources', 'askedAt', MINUTE + 1_000);
    await scene.pull();
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);

    await scene.look('r1');
    await scene.pull();
    assert.deepEqual(await cloud.takeHints('refresh'), []);
  });

  test('cannot be asked about is answered all the same', IMPATIENT, async context => {
    const nowhere = openHints(PROJECT, { pull: 'no-such-topic', refresh: 'no-such-topic' });
    const scene = await Scene.set(cloud, context, { hints: nowhere });
    await scene.make('all the same', 'r1');
    await scene.look('r2');
    assert.equal((await scene.pull()).body.toString(), 'all the same');
    assert.equal((await scene.build()).state, 'queued', 'the janitor finds it');
  });

  test('has moved too long ago waits for the new image', async context => {
    const scene = await Scene.set(cloud, context);
    await scene.make('too old', 'r1');
    await scene.look('r2');
    await scene.ago('images', 'current.builtAt', POLICY.staleMs + HOUR);
    const leftAt = new Date(Date.now() - POLICY.staleMs - MINUTE);
    await scene.change('sources', 'resolved.earlier', [{ revision: 'r1', leftAt }]);
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.claim();
    const made = published('new', { revision: 'r2', checkedAt: await scene.look('r2') });
    await cloud.images.publish(scene.asked.key, 'worker', made);
    assert.equal((await answer).body.toString(), 'new');
  });

  test(
    'nobody looked at for too long gets the old image when it is found unchanged',
    IMPATIENT,
    async context => {
      const scene = await Scene.set(cloud, context);
      await scene.make('still the same', 'r1');
      await scene.ago('images', 'current.builtAt', POLICY.staleMs + 24 * HOUR);
      await scene.ago('images', 'current.checkedAt', POLICY.staleMs + 24 * HOUR);
      await scene.ago('sources', 'resolved.checkedAt', POLICY.staleMs + 24 * HOUR);
      const answer = scene.pull();
      assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
      await scene.claim();
      await scene.look('r1');
      const { document } = await cloud.images.read(scene.asked.key);
      assert.ok(document?.current);
      await cloud.images.keep(scene.asked.key, 'worker', document.current.digest);
      assert.equal((await answer).body.toString(), 'still the same');
    },
  );
});
