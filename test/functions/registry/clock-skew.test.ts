// T30: machines whose clocks are wrong. Firestore's is the one that counts, an hour before or behind this machine's.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { LeaseLostError } from '#core/google/image-holding.ts';
import { keepLease } from '#worker/lease-keeper.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { HOUR, Scene } from './scene.ts';

for (const [where, skew] of [
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
] as const) {
  describe(`T30: where Firestore’s clock is ${where}`, { timeout: 60_000 }, () => {
    const skewed = async (context: TestContext): Promise<Cloud> => {
      const cloud = await Cloud.start({ wallClock: () => Date.now() + skew });
      context.after(() => cloud[Symbol.asyncDispose]());
      return cloud;
    };

    test('a lease is its worker’s until it is over, and no longer', async context => {
      const cloud = await skewed(context);
      const { key } = await cloud.newQueued();
      assert.equal((await cloud.images.claim(key, claimant('first', 60))).kind, 'claimed');
      assert.equal((await cloud.images.claim(key, claimant('second'))).kind, 'nothing-to-do');

      const { key: over } = await cloud.newQueued();
      await cloud.images.claim(over, claimant('first', 0.001));
      await cloud.untilClaimable(over);
      assert.equal((await cloud.images.claim(over, claimant('second'))).kind, 'claimed');
      await assert.rejects(cloud.images.publish(over, 'first', published('too late')), LeaseLostError);
    });

    test('a lease that is kept is renewed, and not lost', async context => {
      const cloud = await skewed(context);
      const { key } = await cloud.newQueued();
      await cloud.images.claim(key, claimant('first', 3));
      const kept = keepLease(cloud.images, key, 'first', 3);
      const renewals = async (): Promise<number> => {
        const build = await cloud.buildOf(key);
        assert.ok(build.state === 'building');
        assert.equal(build.lease.token, 'first');
        return build.lease.renewedAt;
      };
      const begun = await renewals();
      while ((await renewals()) === begun) {
        assert.equal((await cloud.images.claim(key, claimant('second'))).kind, 'nothing-to-do');
      }
      assert.equal(kept.lost.aborted, false);
      await kept.stop();
    });

    test('an image is as fresh as it is by that clock', async context => {
      const cloud = await skewed(context);
      const scene = await Scene.set(cloud, context);
      await scene.make('fresh', 'r1');
      assert.equal((await scene.pull()).body.toString(), 'fresh');
      assert.deepEqual(await cloud.takeHints('refresh'), []);

      for (const [hours, asked] of [
        [5.5, []],
        [6.5, [scene.source]],
      ] as const) {
        const looked = new Date(Date.now() + skew - hours * HOUR);
        await scene.change('sources', 'resolved.checkedAt', looked);
        await scene.change('images', 'current.checkedAt', looked);
        assert.equal((await scene.pull()).body.toString(), 'fresh');
        assert.deepEqual(await cloud.takeHints('refresh'), asked, `${hours} hours ago`);
      }
    });
  });
}
