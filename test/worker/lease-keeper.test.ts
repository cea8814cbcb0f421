import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Phase } from '#core/image-document.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import { LeaseLostError } from '#core/google/image-holding.ts';
import type { Images } from '#core/google/images.ts';
import { keepLease } from '#worker/lease-keeper.ts';
import { claimant, Cloud } from '#test/cloud.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

async function claimed(durationSeconds: number): Promise<RequestKey> {
  const { key } = await cloud.newQueued();
  await cloud.images.claim(key, claimant('mine', durationSeconds));
  return key;
}

/** Waits until the document is as wanted. */
function until(key: RequestKey, wanted: (seen: SeenImage) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = cloud.images.watch(
      key,
      seen => {
        if (!wanted(seen)) return;
        setImmediate(() => stop());
        resolve();
      },
      reject,
    );
  });
}

function renewedAt({ document }: SeenImage): number {
  return document?.build.state === 'building' ? document.build.lease.renewedAt : 0;
}

function phaseOf({ document }: SeenImage): Phase | undefined {
  return document?.build.state === 'building' ? document.build.phase : undefined;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

describe('a lease that is kept', () => {
  test('is renewed again and again, beyond its duration', async () => {
    const key = await claimed(1);
    const first = renewedAt(await cloud.images.read(key));
    const keeper = keepLease(cloud.images, key, 'mine', 1);
    await until(key, seen => renewedAt(seen) > first + 1_300);
    await keeper.stop();
    assert.equal(keeper.lost.aborted, false);
  });

  test('tells the latest phase soon, long before a renewal is due', async () => {
    const key = await claimed(600);
    const keeper = keepLease(cloud.images, key, 'mine', 600);
    keeper.report({ name: 'building', done: 1, of: 3 });
    keeper.report({ name: 'building', done: 2, of: 3 });
    await until(key, seen => phaseOf(seen)?.done !== undefined);
    await keeper.stop();
    assert.deepEqual(phaseOf(await cloud.images.read(key)), { name: 'building', done: 2, of: 3 });
  });

  test('is not written once its keeper has stopped', async () => {
    const key = await claimed(0.06);
    const keeper = keepLease(cloud.images, key, 'mine', 0.06);
    const first = renewedAt(await cloud.images.read(key));
    await until(key, seen => renewedAt(seen) > first);
    keeper.report({ name: 'publishing' });
    await keeper.stop();
    const { version } = await cloud.images.read(key);
    await cloud.untilClaimable(key);
    assert.equal((await cloud.images.read(key)).version?.valueOf(), version?.valueOf());
  });

  test('T2: that another takes is told to whoever works, as soon as it is written', async () => {
    const key = await claimed(600);
    const keeper = keepLease(cloud.images, key, 'mine', 600);
    const lost = aborted(keeper.lost);
    await cloud.takeOver(key, 'another');
    keeper.report({ name: 'publishing' });
    await lost;
    assert.ok(keeper.lost.reason instanceof LeaseLostError);
    await keeper.stop();
  });

  test('has no write under way when its keeper has stopped', async () => {
    const key = await claimed(0.3);
    const begun = Promise.withResolvers<void>();
    let ended = false;
    const slow: Images = {
      ...cloud.images,
      renew: async (...parameters) => {
        begun.resolve();
        await cloud.images.renew(...parameters);
        ended = true;
      },
    };
    const keeper = keepLease(slow, key, 'mine', 0.3);
    await begun.promise;
    await keeper.stop();
    assert.ok(ended);
  });

  test('outlives an error that passes', async () => {
    const key = await claimed(0.3);
    let failures = 2;
    const flaky: Images = {
      ...cloud.images,
      renew: (...parameters) =>
        failures-- > 0 ? Promise.reject(new Error('no network')) : cloud.images.renew(...parameters),
    };
    const keeper = keepLease(flaky, key, 'mine', 0.3);
    const first = renewedAt(await cloud.images.read(key));
    await until(key, seen => renewedAt(seen) > first);
    assert.equal(keeper.lost.aborted, false);
    await keeper.stop();
  });

  test('counts as lost when nobody could be told for its whole duration', async () => {
    const key = await claimed(0.2);
    const mute: Images = { ...cloud.images, renew: () => Promise.reject(new Error('no network')) };
    const keeper = keepLease(mute, key, 'mine', 0.2);
    await aborted(keeper.lost);
    assert.ok(keeper.lost.reason instanceof LeaseLostError);
    await keeper.stop();
  });
});
