import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Write } from '#core/google/documents.ts';
import { openQuotas, type Quotas } from '#core/google/quotas.ts';
import { Cloud, type Asked } from '#test/cloud.ts';
import { SETTINGS } from '#test/core/deployment.ts';

const HOUR = 3_600_000;

let now = Date.parse('2026-06-01T12:00:00Z');
let cloud: Cloud;
let quotas: Quotas;
before(async () => {
  cloud = await Cloud.start({ wallClock: () => now });
  quotas = openQuotas(cloud.firestore);
});
after(() => cloud[Symbol.asyncDispose]());

const asked = { by: 'pull', settings: SETTINGS } as const;

/** Queues an image at the cost of an account. Answers what became of that. */
async function queue(account: string, limit: number, { key, request }: Asked): Promise<string | undefined> {
  let kind: string | undefined;
  await cloud.images.queuePaid(key, request, asked, await cloud.images.read(key), async write => {
    ({ kind } = await quotas.pay(account, limit, write));
    return kind === 'paid';
  });
  return kind;
}

async function countOf(account: string): Promise<number> {
  const snapshot = await cloud.firestore.collection('quotas').doc(account).get();
  return (snapshot.get('startedAt') as unknown[] | undefined)?.length ?? 0;
}

describe('what a build costs', () => {
  test('is written together with the build, until nothing is left', async () => {
    const images = Array.from({ length: 3 }, () => cloud.newImage());
    const outcomes = [];
    for (const image of images) outcomes.push(await queue('one', 2, image));
    assert.deepEqual(outcomes, ['paid', 'paid', 'exhausted']);
    assert.equal(await countOf('one'), 2);
    const documents = await cloud.images.readAll(images.map(({ key }) => key));
    assert.deepEqual(
      documents.map(({ document }) => document?.build.state),
      ['queued', 'queued', undefined],
    );

    // Another has a quota of its own.
    const [, , third = cloud.newImage()] = images;
    assert.equal(await queue('another', 2, third), 'paid');
  });

  test('is nothing where another call queued it', async () => {
    const image = cloud.newImage();
    const seen = await cloud.images.read(image.key);
    const pay = async (write: Write): Promise<boolean> =>
      (await quotas.pay('many', 100, write)).kind === 'paid';
    const paid = await Promise.all(
      Array.from({ length: 4 }, () => cloud.images.queuePaid(image.key, image.request, asked, seen, pay)),
    );
    assert.equal(paid.filter(Boolean).length, 1);
    assert.equal(await countOf('many'), 1);

    // Nor where the build is under way, or was changed since it was seen.
    assert.equal(await queue('many', 100, image), undefined);
    assert.equal(await cloud.images.queuePaid(image.key, image.request, asked, seen, pay), false);
    assert.equal(await countOf('many'), 1);
  });

  test('is counted for an hour of the server’s time, and kept no longer than needed', async () => {
    assert.equal(await queue('hourly', 1, cloud.newImage()), 'paid');
    const began = now;
    const exhausted = await quotas.pay('hourly', 1, () => assert.fail('nothing is written'));
    assert.ok(exhausted.kind === 'exhausted' && exhausted.roomAt - exhausted.now <= HOUR);
    assert.ok(exhausted.roomAt >= began + HOUR);
    const stored = await cloud.firestore.collection('quotas').doc('hourly').get();
    assert.equal(stored.get('expireAt').toMillis(), exhausted.roomAt);
    now = exhausted.roomAt - 1;
    assert.equal(await queue('hourly', 1, cloud.newImage()), 'exhausted');
    now += 2;
    assert.equal(await queue('hourly', 1, cloud.newImage()), 'paid');
    assert.equal(await countOf('hourly'), 1);
  });
});
