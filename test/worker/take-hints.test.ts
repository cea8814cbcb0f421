// How a worker ends that has nothing to do: with the real intake, over the stand-ins.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Hint } from '#core/hint.ts';
import { sourceKey } from '#core/source-document.ts';
import { hasWork } from '#worker/has-work.ts';
import type { Idleness } from '#worker/idleness.ts';
import { startIntake, type HandledAs, type Intake } from '#worker/intake.ts';
import { takeHints } from '#worker/take-hints.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud, PROJECT, TOPICS } from '#test/cloud.ts';
import { OTHER_SETTINGS, SETTINGS } from '#test/core/deployment.ts';
import { newIndex } from '#test/index-of-two.ts';

const CLOSING = 'there was nothing to build for long: no more hints are taken';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await Cloud.start();
});
afterEach(() => cloud[Symbol.asyncDispose]());

/** Idleness when the test says so. */
class OnCue implements Idleness {
  #waiting: PromiseWithResolvers<void> | undefined;
  #changed = Promise.withResolvers<void>();

  readonly during: Idleness['during'] = work => work();

  reached(until: AbortSignal): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    until.addEventListener('abort', () => waiting.resolve());
    this.#waiting = waiting;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return waiting.promise;
  }

  /** The time is over, as soon as it is waited for. */
  async now(): Promise<void> {
    while (this.#waiting === undefined) await this.#changed.promise;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }
}

/** Hints that only tell that the worker hears: Pub/Sub's client never ends for good what it is still opening. */
class Greetings {
  readonly #awaited = new Map<string, () => void>();

  /** Sends one to each topic, and waits until they have come. */
  async exchange(): Promise<void> {
    for (const priority of ['pull', 'refresh'] as const) {
      const key = sourceKey({ source: { kind: 'channel', name: randomUUID() }, ref: '' });
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#awaited.set(key, resolve);
      await cloud.hints.send({ look: 'source', key }, priority);
      await promise;
    }
  }

  take({ key }: Hint): Promise<HandledAs> | undefined {
    const came = this.#awaited.get(key);
    came?.();
    return came && Promise.resolve('done');
  }
}

/** A worker with one slot, until it ends. */
async function worker(
  handle: (hint: Hint) => Promise<HandledAs> = () => Promise.resolve('done'),
  look: () => Promise<boolean> = () => hasWork(cloud.images, SETTINGS),
) {
  const collected = collectLog();
  const { log } = collected;
  const idleness = new OnCue();
  const greetings = new Greetings();
  const stopping = new AbortController();
  const open = (): Promise<Intake> =>
    startIntake({
      projectId: PROJECT,
      subscriptions: TOPICS,
      slots: 1,
      dropDeclinedAfterMs: Infinity,
      handle: hint => greetings.take(hint) ?? handle(hint),
      log,
      onBroken: () => assert.fail('the subscription broke'),
    });
  const parts = { open, idleness, hasWork: look, log, stopping: stopping.signal };
  return {
    ended: takeHints(await open(), parts),
    untilOpen: () => greetings.exchange(),
    idle: () => idleness.now(),
    stop: () => stopping.abort(),
    untilSaid: (message: string) => collected.until(1, line => line['message'] === message),
  };
}

/** Work of which the test hears, and that ends when it says so. */
function heldWork<T>() {
  const begun = Promise.withResolvers<T>();
  const end = Promise.withResolvers<void>();
  return {
    begun: begun.promise,
    end: () => end.resolve(),
    do(what: T): Promise<void> {
      begun.resolve(what);
      return end.promise;
    },
  };
}

describe('a worker that is idle', () => {
  test('ends where there is nothing that it would build', async () => {
    const [building, other] = [await cloud.newQueued(), cloud.newImage()];
    await cloud.images.claim(building.key, claimant('another worker'));
    const asked = { by: 'pull', settings: OTHER_SETTINGS } as const;
    await cloud.images.queue(other.key, other.request, asked, await cloud.images.read(other.key));
    const { untilOpen, idle, ended } = await worker();
    await untilOpen();
    await idle();
    assert.equal(await ended, 'idle');
  });

  test('goes on where there is a build without a hint, and takes hints as before', async () => {
    const { key } = await cloud.newQueued();
    const build = heldWork<Hint>();
    const { untilOpen, idle, ended, untilSaid } = await worker(async hint => {
      await cloud.images.claim(key, claimant('this worker'));
      await build.do(hint);
      return 'done';
    });
    await untilOpen();
    await idle();
    await untilSaid('there is a build to take: the worker goes on');
    await cloud.hints.send({ look: 'image', key }, 'pull');
    assert.equal((await build.begun).key, key);
    build.end();
    await untilOpen();
    await idle();
    assert.equal(await ended, 'idle');
  });

  test('goes on where a build was left by its worker, or an index waits', async () => {
    const index = newIndex(cloud);
    const left = await cloud.newQueued();
    assert.equal(await hasWork(cloud.images, SETTINGS), true, 'what is queued');
    for (const { key } of [index, left]) await cloud.images.claim(key, claimant('vanished', 0.001));
    await cloud.untilClaimable(left.key);
    assert.equal(await hasWork(cloud.images, SETTINGS), true);
  });

  test('goes on where hints come while it ends what it has begun', async () => {
    const look = heldWork<Hint>();
    const build = heldWork<Hint>();
    const { untilOpen, idle, ended, untilSaid } = await worker(async hint => {
      await (hint.look === 'source' ? look : build).do(hint);
      return 'done';
    });
    const { key, request } = cloud.newImage();
    await untilOpen();
    await cloud.hints.send({ look: 'source', key: sourceKey(request) }, 'refresh');
    await look.begun;
    await idle();
    await untilSaid(CLOSING);
    await cloud.hints.send({ look: 'image', key }, 'pull');
    // It is with the worker, whose stream has room for it.
    while ((await cloud.readyIn(TOPICS.pull)) > 0);
    look.end();
    await untilSaid('hints came meanwhile: the worker goes on');
    assert.equal((await build.begun).key, key);
    build.end();
    await untilOpen();
    await idle();
    assert.equal(await ended, 'idle');
  });

  test('leaves a hint that comes after its look to the next worker', async () => {
    const { key } = cloud.newImage();
    const { untilOpen, idle, ended } = await worker(undefined, async () => {
      await cloud.hints.send({ look: 'image', key }, 'pull');
      return false;
    });
    await untilOpen();
    await idle();
    assert.equal(await ended, 'idle');
    assert.deepEqual(await cloud.takeHints('pull'), [key]);
  });

  test('goes on where it cannot look', async () => {
    let looks = 0;
    const { untilOpen, idle, ended, untilSaid } = await worker(undefined, () => {
      looks += 1;
      return looks === 1 ? Promise.reject(new Error('no database')) : Promise.resolve(false);
    });
    await untilOpen();
    await idle();
    await untilSaid('there may be a build to take: the worker goes on');
    await untilOpen();
    await idle();
    assert.equal(await ended, 'idle');
  });

  test('stops as it is told to, also while it looks', async () => {
    const first = await worker();
    await first.untilOpen();
    first.stop();
    assert.equal(await first.ended, 'stopped');

    const look = heldWork<undefined>();
    const second = await worker(undefined, async () => {
      await look.do(undefined);
      return false;
    });
    await second.untilOpen();
    await second.idle();
    await look.begun;
    second.stop();
    look.end();
    assert.equal(await second.ended, 'stopped');
  });
});
