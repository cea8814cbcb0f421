// New builds of callers who pull from several instances of one registry.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { createNewBuilds } from '#functions/registry/limits/new-builds.ts';
import { claimant, Cloud } from '#test/cloud.ts';
import { NO_LIMITS } from '../served.ts';
import { readyImage } from '../ready-image.ts';
import { specError } from '../spec-errors.ts';
import { Instances, newAddress } from './instances.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

describe('new builds', { timeout: 60_000 }, () => {
  test('T14: of a flood of names from one address are no more than its limit, and another address is served', async context => {
    const instances = await Instances.start(cloud, context, 3, { newBuildsPerHour: 5 });
    const [flooder, other] = [newAddress(), newAddress()];
    const ready = await readyImage(cloud, 'ready');
    const images = Array.from({ length: 60 }, () => cloud.newImage());
    const flood = Promise.all(images.map(({ name }, at) => instances.pull(flooder, name, at)));
    const between = cloud.newImage();
    assert.equal((await instances.pull(other, between.name)).status, 307);

    const answers = await flood;
    assert.equal(answers.filter(({ status }) => status === 307).length, 5);
    const refused = answers.filter(({ status }) => status !== 307);
    for (const answer of refused) {
      const { code, message } = specError(answer, 429);
      assert.equal(code, 'TOOMANYREQUESTS');
      assert.ok(
        message.startsWith(
          `the limit of new builds an hour is 5 for each address, which ${flooder} has reached: more in `,
        ),
      );
      assert.match(
        message,
        /: more in (?:59 min \d+ s|60 min); what is built already can be pulled at any time$/,
      );
      const seconds = Number(answer.headers['retry-after']);
      assert.ok(Number.isInteger(seconds) && seconds > 3_500 && seconds <= 3_600);
      assert.equal(answer.headers['warning'], `299 - "${message}"`);
    }
    const begun = await instances.underWay(images.map(({ key }) => key));
    assert.equal(begun.length, 5);

    // What is ready, or under way already, costs nothing.
    assert.equal((await instances.pull(flooder, ready.name)).status, 200);
    assert.equal((await instances.pull(flooder, between.name, 1)).status, 307);
    const own = images.find(({ key }) => begun.includes(key));
    assert.equal((await instances.pull(flooder, own?.name ?? '', 2)).status, 307);
  });

  test('are each counted once, for one of those who asked for it, on however many instances', async context => {
    const limit = 3;
    const instances = await Instances.start(cloud, context, 2, { newBuildsPerHour: limit });
    const pulls = fc.array(fc.tuple(fc.nat(2), fc.nat(7), fc.nat(1)), { minLength: 1, maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(pulls, async chosen => {
        const addresses = [newAddress(), newAddress(), newAddress()];
        const images = Array.from({ length: 8 }, () => cloud.newImage());
        const earlier = await instances.quotas();
        const answers = await Promise.all(
          chosen.map(([who, what, where]) =>
            instances.pull(addresses[who] ?? '', images[what]?.name ?? '', where),
          ),
        );
        const begun = await instances.underWay(images.map(({ key }) => key));
        const counts = [...(await instances.quotas())]
          .filter(([id]) => !earlier.has(id))
          .map(([, count]) => count);
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          begun.length,
        );
        for (const count of counts) assert.ok(count <= limit);
        for (const [at, { status }] of answers.entries()) {
          const [, what = 0] = chosen[at] ?? [];
          const key = images[what]?.key;
          // Whoever waits, waits for something.
          if (status === 307) assert.ok(key !== undefined && begun.includes(key));
          else assert.equal(status, 429);
        }
        const refused = new Set(
          answers.flatMap(({ status }, at) => (status === 429 ? [chosen[at]?.[0]] : [])),
        );
        assert.equal(counts.filter(count => count === limit).length >= refused.size, true);
      }),
      { numRuns: 4 },
    );
  });

  test('that nobody began, and those that many begin at once, cost one of them one', async context => {
    const instances = await Instances.start(cloud, context, 3, { newBuildsPerHour: 1 });
    const earlier = (await instances.quotas()).size;
    const addresses = Array.from({ length: 12 }, newAddress);
    const { name, key } = cloud.newImage();
    const answers = await Promise.all(addresses.map((address, at) => instances.pull(address, name, at)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([307]));
    assert.equal((await instances.quotas()).size, earlier + 1);
    assert.equal(await cloud.hintsAt(key, 'pull'), 1);
    assert.deepEqual(await cloud.takeHints('pull'), []);
    // A prebuild, or a refresh, is nobody's.
    const prebuilt = await cloud.newQueued('refresh');
    assert.equal((await instances.pull(newAddress(), prebuilt.name)).status, 307);
    assert.equal((await instances.quotas()).size, earlier + 1);
  });

  test('are counted again when one that failed is asked for again', async context => {
    const instances = await Instances.start(cloud, context, 1, { newBuildsPerHour: 1 });
    const address = newAddress();
    const { name, key } = cloud.newImage();
    assert.equal((await instances.pull(address, name)).status, 307);
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.fail(key, 'worker', { kind: 'build_failed', message: 'no' }, 'r1');
    assert.equal((await instances.pull(address, name)).status, 403, 'the failure is no build');
    await cloud.firestore
      .collection('images')
      .doc(key)
      .update({ 'build.failedAt': new Date(0) });
    assert.equal((await instances.pull(address, name)).status, 429);
    assert.equal((await instances.pull(newAddress(), name)).status, 307);
  });

  test('of an index are one, and its images are nobody’s', async context => {
    const instances = await Instances.start(cloud, context, 1, { newBuildsPerHour: 2 });
    const address = newAddress();
    const { name } = cloud.newImage();
    assert.equal((await instances.pull(address, `amd64/arm64/${name}`)).status, 307);
    const { name: second } = cloud.newImage();
    assert.equal((await instances.pull(address, second)).status, 307);
    assert.equal((await instances.pull(address, cloud.newImage().name)).status, 429);
  });

  test('are refused to those who get none in words that have them log in', async context => {
    const instances = await Instances.start(cloud, context, 1, { newBuildsPerHour: 0 });
    const earlier = (await instances.quotas()).size;
    const image = cloud.newImage();
    const { code, message } = specError(await instances.pull(newAddress(), image.name), 403);
    assert.equal(code, 'DENIED');
    assert.match(
      message,
      /^this image is not built yet, and whoever has not logged in may not have it built; /,
    );
    assert.equal((await cloud.images.read(image.key)).document, undefined);
    const ready = await readyImage(cloud, 'for all');
    assert.equal((await instances.pull(newAddress(), ready.name)).status, 200);
    assert.equal((await instances.quotas()).size, earlier);
  });

  test('T10: are begun by nobody while they cannot be counted; what is ready is served', async context => {
    let asked = 0;
    const pay = (): Promise<never> => {
      asked += 1;
      return new Promise(() => {});
    };
    const newBuilds = createNewBuilds({ pay }, 100);
    const limits = { newBuildsPerHour: 5 };
    const instances = await Instances.start(cloud, context, 1, limits, { newBuilds, readLimitMs: 1_000 });
    const address = newAddress();
    const [one, two] = [cloud.newImage(), cloud.newImage()];
    const ready = await readyImage(cloud, 'ready all the same');
    const pulls = [instances.pull(address, one.name), instances.pull(address, two.name)];
    assert.equal((await instances.pull(address, ready.name)).status, 200);
    for (const pull of pulls) {
      const answer = await pull;
      assert.equal(specError(answer, 503).code, 'UNAVAILABLE');
      assert.equal(answer.headers['retry-after'], '5');
    }
    assert.equal(asked, 1, 'who waited in vain for those before asks no more');
    const queued = await cloud.newQueued();
    assert.equal((await instances.pull(address, queued.name)).status, 307, 'who joins need not be counted');
    assert.equal((await cloud.images.read(one.key)).document, undefined);
  });

  test('cost nothing to refuse: Firestore is asked again when there is room', async context => {
    const instances = await Instances.start(cloud, context, 1, { newBuildsPerHour: 1 });
    const address = newAddress();
    const refuse = async (): Promise<void> => {
      assert.equal((await instances.pull(address, cloud.newImage().name)).status, 429);
    };
    assert.equal((await instances.pull(address, cloud.newImage().name)).status, 307);
    await refuse();
    const transactions = context.mock.method(cloud.firestore, 'runTransaction').mock;
    for (let count = 0; count < 5; count++) await refuse();
    assert.equal(transactions.callCount(), 0);
  });

  test('of one caller are begun one after another, and those of another beside them', async () => {
    const waiting = new Map<string, (() => void)[]>();
    const newBuilds = createNewBuilds(
      {
        pay: account =>
          new Promise(resolve => {
            waiting.set(account, [...(waiting.get(account) ?? []), () => resolve({ kind: 'paid' })]);
          }),
      },
      10_000,
    );
    const begin = (name: string): Promise<void> => {
      const limits = { ...NO_LIMITS, newBuildsPerHour: 5 };
      const account = { id: name, holder: { kind: 'user', name }, limits } as const;
      return newBuilds.begin(account, async pay => pay?.(() => undefined));
    };
    const begun = [begin('alice'), begin('bob'), begin('alice'), begin('alice')];
    for (let turn = 1; turn <= 3; turn++) {
      while (waiting.get('alice')?.length !== turn) await setImmediate();
      assert.equal(waiting.get('bob')?.length, 1);
      waiting.get('alice')?.at(-1)?.();
    }
    waiting.get('bob')?.[0]?.();
    await Promise.all(begun);
  });
});
