import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { Published } from '#core/google/images.ts';
import { openManifests } from '#core/google/manifests.ts';
import { buildImage, type MakeImage } from '#worker/build-image.ts';
import type { HandledAs } from '#worker/intake.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud } from '#test/cloud.ts';
import { published } from '#test/published.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const image = published('an image');

interface Circumstances {
  readonly leaseSeconds?: number;
  readonly stopping?: AbortSignal;
}

function build(
  key: RequestKey,
  makeImage: MakeImage,
  { leaseSeconds = 600, stopping = new AbortController().signal }: Circumstances = {},
): Promise<HandledAs> {
  const { log } = collectLog();
  return buildImage({ images: cloud.images, makeImage, leaseSeconds, log, stopping }, key);
}

const untouched: MakeImage = () => assert.fail('nothing was to be made');

/** Rejects with the signal's reason, as all work does that is given a signal. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

describe('a build', () => {
  test('is published under what was made, and its hint is done', async () => {
    const { key, request } = await cloud.newQueued();
    const handled = await build(key, async (asked, report) => {
      assert.deepEqual(asked, request);
      report({ name: 'building', done: 1, of: 2 });
      return image;
    });
    assert.equal(handled, 'done');
    const { document } = await cloud.images.read(key);
    assert.equal(document?.current?.digest, image.manifest.digest);
    assert.equal(document.current.revision, 'r1');
    assert.deepEqual(document.build, { state: 'none' });
    const manifest = await openManifests(cloud.firestore).read(image.manifest.digest);
    assert.equal(Buffer.from(manifest?.bytes ?? '').toString(), 'an image');
  });

  test('is not begun where there is nothing to do', async () => {
    assert.equal(await build(cloud.newImage().key, untouched), 'done');
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, 'another worker', 600);
    assert.equal(await build(key, untouched), 'done');
  });

  test('that is begun by many at once is made by one', async () => {
    const { key } = await cloud.newQueued();
    let made = 0;
    const handled = await Promise.all(
      Array.from({ length: 5 }, () =>
        build(key, async () => {
          made += 1;
          return image;
        }),
      ),
    );
    assert.equal(made, 1);
    assert.deepEqual(handled, ['done', 'done', 'done', 'done', 'done']);
  });

  test('that can never succeed is failed, with its reason', async () => {
    const { key } = await cloud.newQueued();
    const failure = { kind: 'unknown_package', message: '"gti" is not in the package set' } as const;
    assert.equal(await build(key, () => Promise.reject(new PermanentError(failure))), 'done');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'failed');
    assert.deepEqual(state.failure, failure);
  });

  test('that was interrupted is queued again with its error, and its hint given back', async () => {
    const { key } = await cloud.newQueued('refresh');
    const handled = await build(key, () => Promise.reject(new TransientError('disk full')));
    assert.equal(handled, 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.deepEqual([state.by, state.attempts, state.lastError], ['refresh', 1, 'disk full']);
  });

  test('that met what nobody foresaw is tried again, and says what it was', async () => {
    const { key } = await cloud.newQueued();
    const handled = await build(key, () => {
      throw new TypeError('undefined is not a function');
    });
    assert.equal(handled, 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.equal(state.lastError, 'TypeError: undefined is not a function');
  });

  test('is given up after five tries', async () => {
    const { key } = await cloud.newQueued();
    const interrupted: MakeImage = () => Promise.reject(new TransientError('no network'));
    const handled: HandledAs[] = [];
    for (let i = 0; i < 6; i++) handled.push(await build(key, interrupted));
    assert.deepEqual(handled, ['again', 'again', 'again', 'again', 'again', 'done']);
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'failed');
    assert.equal(state.failure.message, 'gave up after 5 attempts: no network');
  });

  test('is given back when the worker stops, and that try does not count', async () => {
    const { key } = await cloud.newQueued();
    const stopping = new AbortController();
    const makeImage: MakeImage = (_request, _report, signal) => {
      stopping.abort();
      return signal.aborted ? Promise.reject(signal.reason as Error) : untilAborted(signal);
    };
    assert.equal(await build(key, makeImage, { stopping: stopping.signal }), 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.deepEqual([state.attempts, state.lastError], [0, undefined]);
  });

  test('that ends while the worker stops keeps its end', async () => {
    const stopping = new AbortController();
    const made = await cloud.newQueued();
    const finishing: MakeImage = async () => {
      stopping.abort();
      return image;
    };
    assert.equal(await build(made.key, finishing, { stopping: stopping.signal }), 'done');
    assert.equal((await cloud.buildOf(made.key)).state, 'none');

    const refused = await cloud.newQueued();
    const stoppingToo = new AbortController();
    const failing: MakeImage = () => {
      stoppingToo.abort();
      return Promise.reject(new PermanentError({ kind: 'refused', message: 'no' }));
    };
    assert.equal(await build(refused.key, failing, { stopping: stoppingToo.signal }), 'done');
    assert.equal((await cloud.buildOf(refused.key)).state, 'failed');
  });

  test('is not claimed by a worker that stops', async () => {
    const { key } = await cloud.newQueued();
    assert.equal(await build(key, untouched, { stopping: AbortSignal.abort() }), 'again');
    assert.equal((await cloud.buildOf(key)).state, 'queued');
  });
});

describe('a build whose lease was taken', () => {
  const ends: readonly [what: string, end: () => Promise<Published>][] = [
    ['an image', () => Promise.resolve(image)],
    ['a refusal', () => Promise.reject(new PermanentError({ kind: 'refused', message: 'no' }))],
    ['an interruption', () => Promise.reject(new TransientError('disk full'))],
  ];
  for (const [what, end] of ends) {
    test(`writes nothing where it ends with ${what}`, async () => {
      const { key } = await cloud.newQueued();
      const handled = await build(key, async () => {
        await cloud.takeOver(key, 'another worker');
        return end();
      });
      assert.equal(handled, 'done');
      const { document } = await cloud.images.read(key);
      assert.ok(document?.build.state === 'building');
      assert.equal(document.build.lease.token, 'another worker');
      assert.equal(document.current, undefined);
    });
  }

  test('is told to end', async () => {
    const { key } = await cloud.newQueued();
    const makeImage: MakeImage = async (_request, _report, signal) => {
      await cloud.takeOver(key, 'another worker');
      return untilAborted(signal);
    };
    assert.equal(await build(key, makeImage, { leaseSeconds: 0.3 }), 'done');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'building');
    assert.equal(state.lease.token, 'another worker');
  });
});
