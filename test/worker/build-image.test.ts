import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import type { RequestKey } from '#core/image-request.ts';
import { settingsDigest } from '#core/image-settings.ts';
import type { Log } from '#core/google/log.ts';
import { openManifests, type Manifest } from '#core/google/manifests.ts';
import { buildImage, type BuildParts, type MakeImage } from '#worker/build-image.ts';
import type { HandledAs } from '#worker/intake.ts';
import type { Revisions } from '#worker/revisions.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { IMAGE_SETTINGS, SETTINGS } from '#test/core/deployment.ts';
import { published } from '#test/published.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

const { manifest: image } = published('an image');

/** A source that stands at a revision, and whose every look is answered by the test. */
function standingAt(revision: string): Revisions['forImage'] {
  return async (_request, now) => ({ revision, gitRef: undefined, checkedAt: now });
}

interface Circumstances {
  readonly leaseSeconds?: number;
  readonly limitSeconds?: number;
  readonly stopping?: AbortSignal;
  readonly layerBudget?: number;
  readonly log?: Log;
  readonly isNewDecline?: BuildParts['isNewDecline'];
  readonly makeRoom?: BuildParts['makeRoom'];
  readonly revision?: Revisions['forImage'];
}

function build(
  key: RequestKey,
  makeImage: MakeImage,
  {
    leaseSeconds = 600,
    limitSeconds = 600,
    stopping = new AbortController().signal,
    revision = standingAt('r1'),
    layerBudget,
    log = collectLog().log,
    isNewDecline = () => assert.fail('nothing is to be declined'),
    makeRoom = async () => {},
  }: Circumstances = {},
): Promise<HandledAs> {
  const revisions = { forImage: revision, refresh: () => assert.fail('no source is to be looked at') };
  const settings = layerBudget === undefined ? SETTINGS : settingsDigest({ ...IMAGE_SETTINGS, layerBudget });
  const { images, hints } = cloud;
  const makeIndex = () => assert.fail('no index is to be made');
  const mend = () => assert.fail('nothing is to be mended');
  return buildImage(
    {
      images,
      hints,
      revisions,
      makeIndex,
      makeImage,
      mend,
      settings,
      isNewDecline,
      makeRoom,
      leaseSeconds,
      limitSeconds,
      log,
      stopping,
    },
    key,
  );
}

const untouched: MakeImage = () => assert.fail('nothing was to be made');

/** Rejects with the signal's reason, as all work does that is given a signal. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

describe('a build', () => {
  test('is published under what was made, and its hint is done', async () => {
    const { key, request } = await cloud.newQueued();
    const handled = await build(key, async (asked, { revision }, report) => {
      assert.deepEqual([asked, revision], [request, 'r1']);
      report({ name: 'building', done: 1, of: 2 });
      return image;
    });
    assert.equal(handled, 'done');
    const { document } = await cloud.images.read(key);
    assert.equal(document?.current?.digest, image.digest);
    assert.equal(document.current.revision, 'r1');
    assert.ok(document.current.checkedAt <= document.current.builtAt);
    assert.deepEqual(document.build, { state: 'none' });
    const manifest = await openManifests(cloud.firestore).read(image.digest);
    assert.equal(Buffer.from(manifest?.bytes ?? '').toString(), 'an image');
  });

  test('T3: is not begun where there is nothing to do', async () => {
    assert.equal(await build(cloud.newImage().key, untouched), 'done');
    const { key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('another worker'));
    assert.equal(await build(key, untouched), 'done');
  });

  test('T3, N6: that is begun by many at once is made by one', async () => {
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
    assert.equal(state.revision, 'r1', 'it holds for as long as the source is at that revision');
  });

  test('whose source does not exist is failed at no revision', async () => {
    const { key } = await cloud.newQueued();
    const failure = { kind: 'unknown_source', message: 'there is no channel "nixos-1"' } as const;
    const revision = () => Promise.reject(new PermanentError(failure));
    assert.equal(await build(key, untouched, { revision }), 'done');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'failed');
    assert.deepEqual([state.failure, state.revision], [failure, undefined]);
  });

  test('whose source does not answer is tried again', async () => {
    const { key } = await cloud.newQueued();
    const revision = () => Promise.reject(new TransientError('no answer'));
    assert.equal(await build(key, untouched, { revision }), 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.deepEqual([state.attempts, state.lastError], [1, 'no answer']);
  });

  test('that takes longer than the limit is failed, with a sentence', async () => {
    const { key } = await cloud.newQueued();
    const makeImage: MakeImage = (_request, _revision, _report, signal) => untilAborted(signal);
    assert.equal(await build(key, makeImage, { limitSeconds: 0.2 }), 'done');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'failed');
    assert.deepEqual(state.failure, {
      kind: 'build_failed',
      message: 'the build took longer than the 0.2 s that one may take here',
    });
  });

  test('that takes longer says what it was at, where that is known', async () => {
    const { key } = await cloud.newQueued();
    const makeImage: MakeImage = (_request, _revision, _report, signal) =>
      untilAborted(signal).catch((error: unknown) => {
        assert.ok(error instanceof PermanentError);
        throw new PermanentError({ ...error.failure, log: 'still at it' });
      });
    assert.equal(await build(key, makeImage, { limitSeconds: 0.2 }), 'done');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'failed');
    assert.equal(state.failure.log, 'still at it');
    assert.notEqual(state.failure.logId, undefined);
  });

  test('may wait for another one beyond the limit, and not work', async () => {
    const waited = await cloud.newQueued();
    const beyondLimit = () => once(AbortSignal.timeout(1_200), 'abort');
    const waiting: MakeImage = async (_request, _revision, report, signal) => {
      report({ name: 'waiting' });
      await beyondLimit();
      signal.throwIfAborted();
      report({ name: 'building' });
      return image;
    };
    assert.equal(await build(waited.key, waiting, { limitSeconds: 1 }), 'done');
    assert.deepEqual(await cloud.buildOf(waited.key), { state: 'none' });

    const { key } = await cloud.newQueued();
    const working: MakeImage = (_request, _revision, report, signal) => {
      report({ name: 'waiting' });
      report({ name: 'building' });
      return untilAborted(signal);
    };
    assert.equal(await build(key, working, { limitSeconds: 0.2 }), 'done');
    assert.equal((await cloud.buildOf(key)).state, 'failed');
  });

  test('that the stopping worker gives back has not taken too long, however long that takes', async () => {
    const { key } = await cloud.newQueued();
    const stopping = new AbortController();
    const makeImage: MakeImage = async (_request, _revision, _report, signal) => {
      stopping.abort();
      await once(AbortSignal.timeout(100), 'abort');
      throw signal.reason;
    };
    assert.equal(await build(key, makeImage, { limitSeconds: 0.05, stopping: stopping.signal }), 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.equal(state.attempts, 0);
  });

  test('that was interrupted is queued again with its error, and its hint given back', async () => {
    const { key } = await cloud.newQueued('refresh');
    const handled = await build(key, () => Promise.reject(new TransientError('disk full')));
    assert.equal(handled, 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.deepEqual([state.by, state.attempts, state.lastError], ['refresh', 1, 'disk full']);
  });

  test('T31: that met a full disk is queued again when there is room, and is its worker’s until then', async () => {
    const { key } = await cloud.newQueued();
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
    let met: unknown;
    const makeRoom = async (error: unknown): Promise<void> => {
      met = error;
      assert.equal((await cloud.buildOf(key)).state, 'building');
    };
    assert.equal(await build(key, () => Promise.reject(full), { makeRoom }), 'again');
    assert.equal(met, full);
    const queued = await cloud.buildOf(key);
    assert.ok(queued.state === 'queued');
    assert.equal(queued.lastError, "the worker's disk is full");
  });

  test('that met what nobody foresaw is tried again, and tells nobody outside what it was', async () => {
    const { key } = await cloud.newQueued();
    const handled = await build(key, () => {
      throw new TypeError('undefined is not a function');
    });
    assert.equal(handled, 'again');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'queued');
    assert.match(
      state.lastError ?? '',
      /^something went wrong in the worker; its log has it as build [0-9a-f-]+$/,
    );
  });

  test('T4: is given up after five tries', async () => {
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
    const makeImage: MakeImage = (_request, _revision, _report, signal) => {
      stopping.abort();
      return untilAborted(signal);
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

describe('an image that there is already', () => {
  /** An image made at r1 under these settings, and asked for again. */
  async function newStale(): Promise<RequestKey> {
    const { key, request } = await cloud.newQueued();
    await build(key, () => Promise.resolve(image));
    const asked = { by: 'refresh', settings: SETTINGS } as const;
    assert.ok(await cloud.images.queue(key, request, asked, await cloud.images.read(key)));
    return key;
  }

  test('is kept without making it where its source stands where it stood', async () => {
    const key = await newStale();
    const { document: earlier } = await cloud.images.read(key);
    assert.equal(await build(key, untouched), 'done');
    const { document } = await cloud.images.read(key);
    assert.deepEqual(document?.build, { state: 'none' });
    assert.deepEqual(document.current, earlier?.current);
  });

  test('is made again where it is not stored any more, or was lost as it was looked at', async () => {
    for (const loss of ['its manifest', 'the image']) {
      const key = await newStale();
      const stored = cloud.firestore.collection('manifests').doc(image.digest);
      const losing: Revisions['forImage'] = async (...about) => {
        await stored.delete();
        if (loss === 'the image') assert.ok(await cloud.images.loseIfMissing(key, image.digest));
        return standingAt('r1')(...about);
      };
      assert.equal(await build(key, async () => image, { revision: losing }), 'done', loss);
      const { document } = await cloud.images.read(key);
      assert.deepEqual([document?.current?.digest, document?.build.state], [image.digest, 'none'], loss);
      assert.ok((await stored.get()).exists);
    }
  });

  test('is made anew where its source has moved', async () => {
    const key = await newStale();
    const { manifest: newer } = published('a newer image');
    const moved = { revision: standingAt('r2') };
    assert.equal(await build(key, () => Promise.resolve(newer), moved), 'done');
    const { document } = await cloud.images.read(key);
    assert.deepEqual([document?.current?.digest, document?.current?.revision], [newer.digest, 'r2']);
  });

  test('is served on where making a newer one fails, and not where the package set refuses it', async () => {
    const moved = { revision: standingAt('r2') };
    const failed = await newStale();
    const failing: MakeImage = () =>
      Promise.reject(new PermanentError({ kind: 'build_failed', message: 'exit code 1' }));
    assert.equal(await build(failed, failing, moved), 'done');
    assert.equal((await cloud.images.read(failed)).document?.current?.digest, image.digest);

    const refused = await newStale();
    const refusing: MakeImage = () =>
      Promise.reject(new PermanentError({ kind: 'refused', message: 'insecure' }));
    assert.equal(await build(refused, refusing, moved), 'done');
    assert.equal((await cloud.images.read(refused)).document?.current, undefined);
  });
});

describe('a build that is to be made under other settings', () => {
  test('is left to another worker, and nothing is written', async () => {
    const { key } = await cloud.newQueued();
    const queued = await cloud.images.read(key);
    const other = { layerBudget: 7, isNewDecline: () => true };
    assert.equal(await build(key, untouched, other), 'declined');
    const left = await cloud.images.read(key);
    assert.deepEqual(left.document, queued.document);
    assert.equal(left.version?.valueOf(), queued.version?.valueOf());
    assert.equal(await build(key, () => Promise.resolve(image)), 'done');
  });

  test('is told of by a warning with both digests, when it is time', async () => {
    const [{ key }, { key: told }] = [await cloud.newQueued(), await cloud.newQueued()];
    const { log, lines } = collectLog();
    const other = { layerBudget: 7, log, isNewDecline: (asked: RequestKey) => asked === told };
    for (const asked of [key, told]) assert.equal(await build(asked, untouched, other), 'declined');
    assert.equal(lines.length, 1);
    const [{ image: of, level, wanted, own } = {}] = lines;
    assert.deepEqual([of, level], [told, log.levels.values['warn']]);
    assert.deepEqual([wanted, own], [SETTINGS, settingsDigest({ ...IMAGE_SETTINGS, layerBudget: 7 })]);
  });
});

describe('a build whose lease was taken', () => {
  const ends: readonly [what: string, end: () => Promise<Manifest>][] = [
    ['an image', () => Promise.resolve(image)],
    ['a refusal', () => Promise.reject(new PermanentError({ kind: 'refused', message: 'no' }))],
    ['an interruption', () => Promise.reject(new TransientError('disk full'))],
  ];
  for (const [what, end] of ends) {
    test(`T2: writes nothing where it ends with ${what}`, async () => {
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
    const makeImage: MakeImage = async (_request, _revision, _report, signal) => {
      await cloud.takeOver(key, 'another worker');
      return untilAborted(signal);
    };
    assert.equal(await build(key, makeImage, { leaseSeconds: 0.3 }), 'done');
    const state = await cloud.buildOf(key);
    assert.ok(state.state === 'building');
    assert.equal(state.lease.token, 'another worker');
  });
});
