import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { openHints, type Hints } from '#core/google/hints.ts';
import type { Images } from '#core/google/images.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { WaitingRoom } from '#functions/registry/waiting-room.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud, PROJECT } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { Served, waitingOn } from './served.ts';
import { specError } from './spec-errors.ts';
import { toldRoom } from './told-room.ts';

/** So short that a request is sent round at once, and so long that no test gets there. Milliseconds. */
const SHORT = 30;
const LONG = 60_000;

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

async function served(
  context: TestContext,
  holdMs: number,
  parts: { images?: Images; hints?: Hints; room?: WaitingRoom } = {},
): Promise<Served> {
  const { log } = collectLog();
  const waiting = waitingOn(cloud, { log, ...parts });
  const one = await Served.start('functions-framework', cloud, holdMs, { waiting });
  context.after(() => one[Symbol.asyncDispose]());
  return one;
}

/** The images, and how many listeners there are on them. */
function counted(): { images: Images; started: number; ended: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const counter = {
    started: 0,
    ended: promise,
    images: {
      ...cloud.images,
      watch: (...parameters: Parameters<Images['watch']>) => {
        counter.started += 1;
        const stop = cloud.images.watch(...parameters);
        return () => {
          stop();
          resolve();
        };
      },
    },
  };
  return counter;
}

async function publish(key: RequestKey, text: string): Promise<void> {
  await cloud.images.claim(key, claimant('worker'));
  await cloud.images.publish(key, 'worker', published(text));
}

describe('a pull that waits longer than one request may take', () => {
  test('T12, N11: is sent round to itself, nine times, then told to pull again', async context => {
    const registry = await served(context, SHORT);
    const { name } = await cloud.newQueued();
    const path = `/v2/${name}/manifests/latest`;
    let target = `${path}?ns=docker.io`;
    for (let hop = 1; hop <= 9; hop++) {
      const { status, headers, body } = await registry.send(target);
      assert.equal(status, 307);
      target = headers.location ?? '';
      assert.match(target, new RegExp(`^/v2/${name}/manifests/latest\\?ns=docker\\.io&wait=${hop}\\.`));
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(String(headers['warning']), /waiting for a worker/);
      assert.equal(body.length, 0);
    }
    const last = await registry.send(target);
    assert.equal(specError(last, 429).code, 'TOOMANYREQUESTS');
    assert.equal(last.headers['retry-after'], '5');
  });

  test('with a forged hop is at its first: it is what it would be without it', async context => {
    const registry = await served(context, SHORT);
    const { name } = await cloud.newQueued();
    for (const wait of ['9', '-1', '9e9', '0x1', '%00', '1%0d%0ax:y', 'x'.repeat(5_000)]) {
      const { status, headers } = await registry.send(`/v2/${name}/manifests/latest?wait=${wait}`);
      assert.equal(status, 307);
      assert.match(headers.location ?? '', /\?wait=1\./);
    }
  });

  test('is told what goes on, for HEAD as for GET', async context => {
    const registry = await served(context, SHORT);
    const { name, key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.renew(key, 'worker', { name: 'building', done: 3, of: 17 });
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await registry.send(`/v2/${name}/manifests/latest`, { method });
      assert.equal(status, 307);
      assert.equal(headers['warning'], '299 - "the image is being built: building 3/17"');
    }
  });

  test('T12: gets the image on a later hop, from another instance', async context => {
    const [first, second] = [await served(context, SHORT), await served(context, LONG)];
    const { name, key } = cloud.newImage();
    const sentOn = await first.send(`/v2/${name}/manifests/latest`);
    assert.equal(sentOn.status, 307);
    const answer = second.send(sentOn.headers.location ?? '');
    await publish(key, 'on the second hop');
    assert.equal((await answer).body.toString(), 'on the second hop');
  });

  test('is answered from the document where its listener heard nothing', async context => {
    const deaf = { ...cloud.images, watch: () => () => undefined };
    const registry = await served(context, 500, { images: deaf });
    const { name, key } = await cloud.newQueued();
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    await publish(key, 'read, not heard');
    assert.equal((await answer).body.toString(), 'read, not heard');
  });

  test('is answered even where the listener breaks', async context => {
    const breaking: Images = {
      ...cloud.images,
      watch: (_key, _onChange, onError) => {
        setImmediate(() => onError(new Error('the stream broke')));
        return () => undefined;
      },
    };
    const registry = await served(context, SHORT, { images: breaking });
    const { name, key } = await cloud.newQueued();
    assert.equal((await registry.send(`/v2/${name}/manifests/latest`)).status, 307);
    await publish(key, 'after all');
    assert.equal((await registry.send(`/v2/${name}/manifests/latest`)).body.toString(), 'after all');
  });

  test('is held no longer where Pub/Sub cannot be reached: the hint is for others to send again', async context => {
    const silent: Hints = { send: () => new Promise(() => undefined) };
    const registry = await served(context, SHORT, { hints: silent });
    const { name, key } = cloud.newImage();
    assert.equal((await registry.send(`/v2/${name}/manifests/latest`)).status, 307);
    assert.equal((await cloud.images.read(key)).document?.build.state, 'queued');
  });

  test('goes on where the hint is refused', async context => {
    const hints = openHints(PROJECT, { pull: 'no-such-topic', refresh: 'no-such-topic' });
    const registry = await served(context, LONG, { hints });
    const { name, key } = cloud.newImage();
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    await untilQueued(key);
    await publish(key, 'built all the same');
    assert.equal((await answer).body.toString(), 'built all the same');
  });
});

describe('the build that a pull waits for', () => {
  test('is queued once and watched once, however many wait for it', async context => {
    const counter = counted();
    const { room, entered } = toldRoom(30);
    const registry = await served(context, LONG, { images: counter.images, room });
    const { name, key } = cloud.newImage();
    const answers = Array.from({ length: 30 }, () => registry.send(`/v2/${name}/manifests/latest`));
    await entered;
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await publish(key, 'for everyone');
    for (const answer of answers) assert.equal((await answer).body.toString(), 'for everyone');
    assert.equal(counter.started, 1);
    await counter.ended;
    assert.deepEqual(await cloud.takeHints('pull'), [], 'no second hint');
  });

  test('T12, N10: stays queued when the client goes away, and is no longer watched', async context => {
    const counter = counted();
    const registry = await served(context, LONG, { images: counter.images });
    const { name, key } = cloud.newImage();
    const leaving = new AbortController();
    const answer = registry.send(`/v2/${name}/manifests/latest`, { signal: leaving.signal });
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    leaving.abort();
    await assert.rejects(answer);
    await counter.ended;
    assert.equal((await cloud.images.read(key)).document?.build.state, 'queued');
  });

  test('goes on for the others when one client goes away', async context => {
    const registry = await served(context, LONG);
    const { name, key } = cloud.newImage();
    const leaving = new AbortController();
    const gone = registry.send(`/v2/${name}/manifests/latest`, { signal: leaving.signal });
    const stays = registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    leaving.abort();
    await assert.rejects(gone);
    await publish(key, 'for who stayed');
    assert.equal((await stays).body.toString(), 'for who stayed');
  });

  test('is queued again, and once, where its failure is old enough', async context => {
    const registry = await served(context, LONG);
    const { name, key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.fail(key, 'worker', { kind: 'build_failed', message: 'old' }, 'r1');
    // A minute later, by the only clock that counts.
    const failedAt = new Date(Date.now() - 61_000);
    await cloud.firestore.collection('images').doc(key).update({ 'build.failedAt': failedAt });
    const answers = [1, 2, 3].map(() => registry.send(`/v2/${name}/manifests/latest`));
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await publish(key, 'better now');
    for (const answer of answers) assert.equal((await answer).body.toString(), 'better now');
  });

  test('T2: wakes the workers again when its worker vanished', async context => {
    const registry = await served(context, LONG);
    const { name, key } = await cloud.newQueued();
    await cloud.images.claim(key, claimant('vanishes', 0.05));
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await publish(key, 'by the next worker');
    assert.equal((await answer).body.toString(), 'by the next worker');
  });

  test('wakes the workers again when nobody claimed it for ten seconds', async context => {
    const registry = await served(context, LONG);
    const { name, key } = await cloud.newQueued();
    const queuedAt = new Date(Date.now() - 11_000);
    await cloud.firestore.collection('images').doc(key).update({ 'build.queuedAt': queuedAt });
    const answer = registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    await publish(key, 'late');
    assert.equal((await answer).body.toString(), 'late');
  });
});

async function untilQueued(key: RequestKey): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = cloud.images.watch(
      key,
      ({ document }) => {
        if (document?.build.state !== 'queued') return;
        stop();
        resolve();
      },
      reject,
    );
  });
}
