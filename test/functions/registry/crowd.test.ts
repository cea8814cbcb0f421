// Many pulls that wait on one instance, more than may, and an instance that ends.
import assert from 'node:assert/strict';
import { Agent, request as sendRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { createOpenRequests } from '#functions/registry/open-requests.ts';
import { createWaitingRoom } from '#functions/registry/waiting-room.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { readyImage } from './ready-image.ts';
import { admission, HOPS, Served, waitingOn } from './served.ts';
import { specError } from './spec-errors.ts';

/** So long that no test gets there. Milliseconds. */
const HOLD = 120_000;

const NOBODY_LEAVES = new AbortController().signal;

const pull = admission()({ kind: 'anonymous', address: '127.0.0.1' }, HOPS.parse('/'));

describe('an instance', { timeout: 60_000 }, () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await Cloud.start();
  });
  after(() => cloud[Symbol.asyncDispose]());

  test('on which as many wait as may answers at once what is ready, by digest, unknown or /v2/', async context => {
    // One place for as long as it takes, none for a moment.
    const waiting = waitingOn(cloud, { log: collectLog().log, room: createWaitingRoom(1) });
    const registry = await Served.start('functions-framework', cloud, HOLD, { waiting });
    context.after(() => registry[Symbol.asyncDispose]());
    const { name, key } = cloud.newImage();
    const first = registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);

    const ready = await readyImage(cloud, 'ready');
    assert.equal((await registry.send('/v2/')).status, 200);
    assert.equal((await registry.send(`/v2/${ready.name}/manifests/latest`)).status, 200);
    assert.equal((await registry.send(`/v2/a/blobs/sha256:${'0'.repeat(64)}`)).status, 404);
    assert.equal((await registry.send(`/v2/a/manifests/sha256:${'0'.repeat(64)}`)).status, 404);

    // One more that would have to wait comes back later. Its build is asked for all the same.
    const second = cloud.newImage();
    const full = await registry.send(`/v2/${second.name}/manifests/latest`);
    assert.equal(specError(full, 429).code, 'TOOMANYREQUESTS');
    assert.ok(Number(full.headers['retry-after']) >= 5);
    assert.equal((await cloud.buildOf(second.key)).state, 'queued');

    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.publish(key, 'worker', published('for the first'));
    assert.equal((await first).body.toString(), 'for the first');
  });

  test('answers /v2/ while 1,000 pulls wait, and all of them when their image is there', async context => {
    const waiting = waitingOn(cloud, { log: collectLog().log, room: createWaitingRoom(1_250) });
    const registry = await Served.start('functions-framework', cloud, HOLD, { waiting });
    context.after(() => registry[Symbol.asyncDispose]());
    const { name, key } = await cloud.newQueued();
    const agent = new Agent({ maxSockets: Infinity });
    context.after(() => agent.destroy());
    const arrived = Promise.withResolvers<void>();
    let open = 0;
    const answers = Array.from({ length: 1_000 }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const path = `/v2/${name}/manifests/latest`;
      const request = sendRequest({ port: registry.port, host: '127.0.0.1', path, agent }, response => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      });
      request.once('error', reject).once('finish', () => {
        open += 1;
        if (open === 1_000) arrived.resolve();
      });
      request.end();
      return promise;
    });
    await arrived.promise;
    for (let round = 0; round < 20; round += 1) assert.equal((await registry.send('/v2/')).status, 200);
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.publish(key, 'worker', published('for a thousand'));
    assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
  });

  test('that ends sends on who waits and who comes, and gives a last word to who has no redirect left', async context => {
    const openRequests = createOpenRequests();
    const registry = await Served.start('node:http', cloud, HOLD, { openRequests });
    context.after(() => registry[Symbol.asyncDispose]());
    const { name, key } = cloud.newImage();
    const target = `/v2/${name}/manifests/latest`;
    const last = `${target}?wait=${HOPS.sign({ number: 9, beganAt: Date.now(), target })}`;
    const answers = [registry.send(target), registry.send(last)];
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    assert.equal(openRequests.sendAllOn(), 2);
    const [waited, atLast] = await Promise.all(answers);
    assert.equal(waited?.status, 307);
    assert.ok(atLast);
    assert.match(specError(atLast, 429).message, /run the same pull again/);

    for (const path of [target, '/v2/', `/v2/a/blobs/sha256:${'0'.repeat(64)}`]) {
      const { status, headers } = await registry.send(path);
      assert.deepEqual([status, headers.connection], [307, 'close']);
      assert.equal(HOPS.parse(headers.location ?? '').number, 1);
    }
  });

  test('T10: whose Firestore does not answer says so while the client listens, and goes on holding who waits', async context => {
    let reads = 0;
    let isSilent = true;
    const waiting = waitingOn(cloud, {
      log: collectLog().log,
      readPullState: (key, request) => {
        reads += 1;
        return isSilent || reads > 2 ? new Promise(() => {}) : cloud.readPullState(key, request);
      },
      readLimitMs: 500,
    });
    const registry = await Served.start('node:http', cloud, 30, { waiting });
    context.after(() => registry[Symbol.asyncDispose]());
    const { name } = await cloud.newQueued();
    const answer = await registry.send(`/v2/${name}/manifests/latest`);
    assert.equal(specError(answer, 503).code, 'UNAVAILABLE');
    assert.equal(answer.headers['retry-after'], '5');

    // It answers the first read of the next pull, and no other.
    isSilent = false;
    assert.equal((await registry.send(`/v2/${name}/manifests/latest`)).status, 307);
    assert.equal(reads, 3);
  });

  test('T10: whose Firestore does not answer lets nobody wait for the turn of others', async () => {
    let reads = 0;
    const waiting = waitingOn(cloud, {
      log: collectLog().log,
      readPullState: () => {
        reads += 1;
        return new Promise(() => {});
      },
      readLimitMs: 300,
    });
    const { key, request } = cloud.newImage();
    const pulls = Array.from({ length: 1_000 }, () =>
      waiting.forImage(key, request, { pull, holdMs: HOLD, gone: NOBODY_LEAVES }),
    );
    for (const outcome of await Promise.allSettled(pulls)) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof TransientError);
    }
    assert.ok(reads < 300, `${reads} reads, of which all but the first have nobody who would hear of them`);
  });

  test(
    'holds a pull from its arrival on, however long its documents take',
    { timeout: 20_000 },
    async context => {
      const clock = performance.now.bind(performance);
      let ahead = 0;
      context.mock.method(performance, 'now', () => clock() + ahead);
      const waiting = waitingOn(cloud, {
        log: collectLog().log,
        readPullState: async (key, request) => {
          const state = await cloud.readPullState(key, request);
          ahead = HOLD;
          return state;
        },
      });
      const { key, request } = await cloud.newQueued();
      assert.equal(
        (await waiting.forImage(key, request, { pull, holdMs: HOLD, gone: context.signal })).kind,
        'pending',
      );
    },
  );

  test('holds for parts of milliseconds too: 2.01 s are none that a binary number could be', async () => {
    const waiting = waitingOn(cloud, { log: collectLog().log });
    const { key, request } = await cloud.newQueued();
    assert.equal(
      (await waiting.forImage(key, request, { pull, holdMs: 0.0335 * 1000, gone: NOBODY_LEAVES })).kind,
      'pending',
    );
  });
});
