import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LOG_LIMIT, type Failure } from '#core/failure.ts';
import { ATTEMPT_LIMIT } from '#core/image-life.ts';
import type { RequestKey } from '#core/image-request.ts';
import { LeaseLostError } from '#core/google/image-holding.ts';
import { openManifests } from '#core/google/manifests.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { published } from '#test/published.ts';

/** A lease that is over before anyone can look: seconds. */
const OVER_AT_ONCE = 0.001;

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const refusal: Failure = { kind: 'refused', message: 'no' };

/** An image that is served, and whose build is queued. */
async function newQueuedAgain() {
  const asked = await cloud.newQueued();
  const { key, request } = asked;
  await cloud.images.claim(key, claimant('first'));
  await cloud.images.publish(key, 'first', published('first'));
  const seen = await cloud.images.read(key);
  await cloud.images.queue(key, request, { by: 'pull', settings: SETTINGS }, seen);
  return asked;
}

describe('the holder of a lease', () => {
  type Write = (key: RequestKey, token: string) => Promise<unknown>;
  const writes: readonly [what: string, write: Write][] = [
    ['renew', (key, token) => cloud.images.renew(key, token, { name: 'building', done: 1, of: 2 })],
    ['publish', (key, token) => cloud.images.publish(key, token, published('by the wrong one'))],
    ['fail', (key, token) => cloud.images.fail(key, token, refusal, 'r1')],
    ['release', (key, token) => cloud.images.release(key, token, 'again')],
    ['keep', (key, token) => cloud.images.keep(key, token, published('first').manifest.digest)],
    ['release when stopping', (key, token) => cloud.images.release(key, token, undefined)],
  ];

  for (const [what, write] of writes) {
    test(`T2: who lost it cannot ${what}: nothing changes`, async () => {
      const { key } = await newQueuedAgain();
      await cloud.images.claim(key, claimant('old', OVER_AT_ONCE));
      await cloud.untilClaimable(key);
      await cloud.images.claim(key, claimant('new'));
      const earlier = await cloud.images.read(key);
      await assert.rejects(write(key, 'old'), LeaseLostError);
      const later = await cloud.images.read(key);
      assert.deepEqual(later.document, earlier.document);
      assert.equal(later.version?.valueOf(), earlier.version?.valueOf());
    });

    test(`cannot ${what} what is over: published, failed, given back, or not there`, async () => {
      for (const end of writes.slice(1)) {
        const { key } = await newQueuedAgain();
        await cloud.images.claim(key, claimant('mine'));
        await end[1](key, 'mine');
        const earlier = await cloud.images.read(key);
        await assert.rejects(write(key, 'mine'), LeaseLostError, end[0]);
        assert.deepEqual((await cloud.images.read(key)).document, earlier.document);
      }
      await assert.rejects(write(cloud.newImage().key, 'mine'), LeaseLostError);
    });

    test(`may ${what} after its end while nobody else has begun`, async () => {
      const { key } = await newQueuedAgain();
      await cloud.images.claim(key, claimant('mine', OVER_AT_ONCE));
      await cloud.untilClaimable(key);
      await write(key, 'mine');
    });
  }

  test('T2: who lost it leaves no manifest behind', async () => {
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('mine'));
    const never = published('never to be seen');
    await assert.rejects(cloud.images.publish(key, 'yours', never), LeaseLostError);
    assert.equal(await openManifests(cloud.firestore).read(never.manifest.digest), undefined);
  });

  test('T30: renews by the server’s clock, and says how far it is', async () => {
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('mine', OVER_AT_ONCE));
    await cloud.untilClaimable(key);
    const earlier = await cloud.buildOf(key);
    await cloud.images.renew(key, 'mine', { name: 'packing', done: 2, of: 9 });
    const build = await cloud.buildOf(key);
    assert.ok(earlier.state === 'building' && build.state === 'building');
    assert.ok(build.lease.renewedAt > earlier.lease.renewedAt);
    assert.deepEqual(build, {
      ...earlier,
      lease: { ...earlier.lease, renewedAt: build.lease.renewedAt },
      phase: { name: 'packing', done: 2, of: 9 },
    });
    // A phase without numbers takes those of the one before it away.
    await cloud.images.renew(key, 'mine', { name: 'publishing' });
    const last = await cloud.buildOf(key);
    assert.ok(last.state === 'building');
    assert.deepEqual(last.phase, { name: 'publishing' });
  });

  test('gives a build back with its error, or uncounted when it stops', async () => {
    const { key } = await cloud.newQueued('refresh');
    await cloud.images.claim(key, claimant('a'));
    await cloud.images.release(key, 'a', 'disk full');
    const once = await cloud.buildOf(key);
    assert.ok(once.state === 'queued');
    assert.deepEqual([once.by, once.attempts, once.lastError], ['refresh', 1, 'disk full']);

    await cloud.images.claim(key, claimant('b'));
    await cloud.images.release(key, 'b', undefined);
    const stopped = await cloud.buildOf(key);
    assert.ok(stopped.state === 'queued');
    assert.deepEqual([stopped.by, stopped.attempts, stopped.lastError], ['refresh', 1, 'disk full']);
    assert.ok(stopped.queuedAt > once.queuedAt);
  });

  test('a worker that stops again and again uses up no tries', async () => {
    const { key } = await cloud.newQueued();
    for (let i = 0; i <= ATTEMPT_LIMIT; i++) {
      assert.equal((await cloud.images.claim(key, claimant(`w${i}`))).kind, 'claimed');
      await cloud.images.release(key, `w${i}`, undefined);
    }
  });

  test('ends a build with its failure, and the end of a log of any length', async () => {
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('a'));
    const log = `${'x'.repeat(LOG_LIMIT)}the end`;
    await cloud.images.fail(key, 'a', { kind: 'build_failed', message: 'hello', log }, 'r7');
    const { document, readTime } = await cloud.images.read(key);
    assert.ok(document?.build.state === 'failed');
    const { failure, failedAt, revision } = document.build;
    assert.equal(failure.log?.length, LOG_LIMIT);
    assert.ok(failure.log.endsWith('the end'));
    assert.ok(failedAt <= readTime);
    assert.equal(revision, 'r7');
    assert.deepEqual(document.failuresAt, [failedAt]);
  });
});
