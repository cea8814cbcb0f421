// Popular images first: what the janitor asks for of the images that are used most, and of no others.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RequestKey } from '#core/image-request.ts';
import { sourceKey, type SourceKey } from '#core/source-document.ts';
import { decidePull } from '#core/pull-decision.ts';
import type { PackageSource } from '#core/package-source.ts';
import { createAsking } from '#functions/asking.ts';
import { refreshPopular } from '#functions/janitor/popular.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud, type Asked } from '#test/cloud.ts';
import { OTHER_SETTINGS } from '#test/core/deployment.ts';
import { POLICY } from '#test/functions/registry/served.ts';
import { published } from '#test/published.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let cloud: Cloud;
let gone = 0;
let sources = 0;
before(async () => {
  cloud = await Cloud.start({ wallClock: () => Date.now() + gone });
});
after(() => cloud[Symbol.asyncDispose]());
beforeEach(async () => {
  const { docs } = await cloud.firestore.collection('images').get();
  await Promise.all(docs.map(({ ref }) => ref.delete()));
});

/** A source that no other test has, at a revision. */
async function newSource(revision = 'r1') {
  sources += 1;
  const source: PackageSource = { kind: 'channel', name: `popular-${sources}` };
  const { request } = cloud.newImage(source);
  const key = sourceKey(request);
  const look = (found: string) => cloud.sources.record(key, request, { revision: found, gitRef: undefined });
  await look(revision);
  return { source, key, look };
}
type Source = Awaited<ReturnType<typeof newSource>>;

interface Uses {
  readonly uses: number;
  readonly daysAgo?: number;
}

/** An image of `r1` that was used so much. */
async function newUsed({ source }: Pick<Source, 'source'>, { uses, daysAgo = 0 }: Uses): Promise<Asked> {
  const asked = await cloud.newQueued('refresh', source);
  await cloud.images.claim(asked.key, claimant('worker'));
  const checkedAt = Date.now() + gone;
  await cloud.images.publish(asked.key, 'worker', published(asked.name, { checkedAt }));
  const usedAt = new Date(Date.now() + gone - daysAgo * DAY);
  await change(asked.key, { recentUses: uses, usedAt });
  return asked;
}

async function change(key: RequestKey, fields: Record<string, unknown>): Promise<void> {
  await cloud.firestore.collection('images').doc(key).update(fields);
}

async function refresh(limit: number, options: { dryRun?: boolean } = {}) {
  const { firestore, images, hints } = cloud;
  const { log, lines } = collectLog();
  const asking = createAsking({ images, sources: cloud.sources, hints, policy: POLICY, log });
  const parts = { firestore, images, sources: cloud.sources, asking, policy: POLICY, log };
  return { ...(await refreshPopular(parts, limit, options)), lines };
}

const hinted = (): Promise<(RequestKey | SourceKey | undefined)[]> => cloud.takeHints('refresh');

async function isLeftAlone(key: RequestKey, then: () => Promise<unknown>): Promise<void> {
  const { version } = await cloud.images.read(key);
  await then();
  assert.deepEqual((await cloud.images.read(key)).version, version);
  assert.deepEqual(await hinted(), []);
  assert.deepEqual(await cloud.takeHints('pull'), []);
}

describe('after a source has moved', () => {
  test('the most used images are queued in the order of their use by now, nobody else, and once', async () => {
    const source = await newSource();
    // Used much, but long ago: three days halve it.
    const used = {
      third: await newUsed(source, { uses: 20, daysAgo: 3 }),
      fifth: await newUsed(source, { uses: 60, daysAgo: 9 }),
      first: await newUsed(source, { uses: 18 }),
      fourth: await newUsed(source, { uses: 9 }),
      second: await newUsed(source, { uses: 11 }),
      forgotten: await newUsed(source, { uses: 100, daysAgo: 30 }),
    };
    assert.deepEqual(await refreshed(3), [0, 0], 'nothing has moved');
    await source.look('r2');
    assert.deepEqual(await refreshed(3), [3, 0]);
    const { first, second, third } = used;
    assert.deepEqual(await hinted(), [first.key, second.key, third.key]);
    assert.deepEqual(await cloud.takeHints('pull'), []);
    for (const { key } of [first, second, third]) {
      const build = await cloud.buildOf(key);
      assert.deepEqual([build.state, 'by' in build && build.by], ['queued', 'refresh']);
    }
    assert.deepEqual(await refreshed(3), [0, 0], 'again');
    for (const { key } of [used.fourth, used.fifth, used.forgotten]) {
      assert.equal((await cloud.buildOf(key)).state, 'none');
    }
    assert.deepEqual(await hinted(), []);
    assert.deepEqual(await refreshed(100), [2, 0], 'what was used once, long ago, is not used');
    assert.deepEqual(await hinted(), [used.fourth.key, used.fifth.key]);
  });

  test('two janitors at once queue each image once', async () => {
    const source = await newSource();
    const images = await Promise.all([5, 4, 3, 2, 1].map(uses => newUsed(source, { uses })));
    await source.look('r2');
    const done = await Promise.all([refreshed(10), refreshed(10), refreshed(10)]);
    assert.equal(
      done.reduce((sum, [queued]) => sum + queued, 0),
      images.length,
    );
    const hints = await hinted();
    assert.deepEqual([hints.length, new Set(hints)], [5, new Set(images.map(({ key }) => key))]);
  });

  test('nothing is queued where none is wanted, or in a dry run, which tells', async () => {
    const source = await newSource();
    const { key } = await newUsed(source, { uses: 5 });
    await source.look('r2');
    await isLeftAlone(key, async () => {
      assert.deepEqual(await refreshed(0), [0, 0]);
      const { queuedImages, lines } = await refresh(5, { dryRun: true });
      assert.equal(queuedImages, 1);
      assert.deepEqual(
        lines.map(({ image, lacks }) => [image, lacks]),
        [[key, 'a build']],
      );
    });
  });

  test('what is under way stays as urgent as it is', async () => {
    const source = await newSource();
    const building = await newUsed(source, { uses: 5 });
    await source.look('r2');
    await refreshed(5);
    await cloud.images.claim(building.key, claimant('worker'));
    await hinted();
    await isLeftAlone(building.key, () => refreshed(5));
  });

  test('what has failed is tried again after a while, but not where it failed, nor too often', async () => {
    const source = await newSource();
    const { key } = await newUsed(source, { uses: 5 });
    await source.look('r2');
    await refreshed(5);
    await cloud.images.claim(key, claimant('worker'));
    await cloud.images.fail(key, 'worker', { kind: 'build_failed', message: 'no' }, 'r2');
    await hinted();
    const anHourAgo = new Date(Date.now() + gone - 2 * HOUR);
    await change(key, { 'build.failedAt': anHourAgo });
    await isLeftAlone(key, () => refreshed(5));

    await source.look('r3');
    const now = new Date(Date.now() + gone);
    await change(key, { failuresAt: [now, now, now, now, now] });
    await isLeftAlone(key, () => refreshed(5));
    await change(key, { failuresAt: [anHourAgo, now, now, now, now] });
    assert.deepEqual(await refreshed(5), [1, 0]);
    assert.deepEqual(await hinted(), [key]);
  });

  test('neither pinned images nor those of another deployment count, nor what this code does not know', async () => {
    const source = await newSource();
    const commit = { kind: 'channel', name: 'a'.repeat(40) } as const;
    const pinned = await newUsed({ source: commit }, { uses: 9 });
    const foreign = await newUsed(source, { uses: 8 });
    await change(foreign.key, { settings: OTHER_SETTINGS });
    const strange = await newUsed(source, { uses: 7 });
    await change(strange.key, { build: 'of another version' });
    const { key } = await newUsed(source, { uses: 6 });
    await source.look('r2');
    const { queuedImages, lines } = await refresh(1);
    assert.equal(queuedImages, 1);
    assert.deepEqual(await hinted(), [key]);
    assert.equal(lines.filter(line => line['key'] === strange.key && line['count'] === 1).length, 1);
    assert.equal((await cloud.buildOf(pinned.key)).state, 'none');
  });
});

describe('a source that was not looked at for long', () => {
  test('is looked at, once for all images that are used, and its images are not queued', async () => {
    const [source, other, unused] = [await newSource(), await newSource(), await newSource()];
    for (const uses of [5, 4, 3]) await newUsed(source, { uses });
    await newUsed(other, { uses: 2 });
    await newUsed(unused, { uses: 0.1 });
    gone += POLICY.freshMs - 60_000;
    assert.deepEqual(await refreshed(10), [0, 0]);
    gone += 2 * 60_000;
    assert.deepEqual(await refreshed(10), [0, 2]);
    assert.deepEqual(await hinted(), [source.key, other.key]);
    await refreshed(10);
    assert.deepEqual(await hinted(), [], 'a worker was asked a moment ago');
    await source.look('r2');
    await other.look('r1');
    const [queued] = await refreshed(10);
    assert.equal(queued, 3);
  });
});

test('a popular image that nobody pulls is up to date whenever its first pull comes, and never waits', async () => {
  const source = await newSource();
  const asked = await newUsed(source, { uses: 20 });
  let revision = 1;
  for (const end = gone + 1.2 * POLICY.staleMs; gone < end; gone += 4 * HOUR) {
    await refreshed(5);
    for (const hint of await hinted()) {
      // The source moves all the time.
      if (hint === source.key) await source.look(`r${(revision += 1)}`);
      if (hint !== asked.key) continue;
      const claim = await cloud.images.claim(asked.key, claimant('worker'));
      assert.equal(claim.kind, 'claimed');
      const made = { revision: `r${revision}`, checkedAt: Date.now() + gone };
      await cloud.images.publish(asked.key, 'worker', published(`at ${revision}`, made));
    }
    const { image, source: seen } = await cloud.readPullState(asked.key, asked.request);
    assert.equal(decidePull(image.document, seen.document, POLICY, image.readTime).kind, 'ready');
  }
  assert.ok(revision > 15, `it was looked at ${revision} times`);
});

async function refreshed(limit: number): Promise<[queuedImages: number, sourcesToLookAt: number]> {
  const { queuedImages, sourcesToLookAt } = await refresh(limit);
  return [queuedImages, sourcesToLookAt];
}
