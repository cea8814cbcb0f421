// Images whose source moves on, and failures that hold: what a pull is told, and what it sets going.
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { openHints } from '#core/google/hints.ts';
import type { Failure } from '#core/failure.ts';
import type { Priority } from '#core/image-document.ts';
import { settingsDigest } from '#core/image-settings.ts';
import type { PackageSource } from '#core/package-source.ts';
import { sourceKey, type SourceKey } from '#core/source-document.ts';
import type { WaitingParts } from '#functions/registry/waiting.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, Cloud, PROJECT, SETTINGS, type Asked } from '#test/cloud.ts';
import { published } from '#test/published.ts';
import { POLICY, Served, waitingOn, type Received } from './served.ts';
import { specError } from './spec-errors.ts';

/** So long that no test gets there: what is answered is answered because of what happened. Milliseconds. */
const HOLD = 120_000;
const IMPATIENT = { timeout: 30_000 };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let cloud: Cloud;
let sources = 0;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

/** An image of a source that no other test has, and a registry that serves it. */
class Scene {
  readonly asked: Asked;
  readonly source: SourceKey;
  readonly #served: Served;

  private constructor(served: Served, asked: Asked) {
    this.#served = served;
    this.asked = asked;
    this.source = sourceKey(asked.request);
  }

  static async set(context: TestContext, parts: Partial<WaitingParts> = {}): Promise<Scene> {
    sources += 1;
    const source: PackageSource = { kind: 'channel', name: `channel-${sources}` };
    const waiting = waitingOn(cloud, { log: collectLog().log, holdMs: HOLD, ...parts });
    const served = await Served.start('node:http', cloud, HOLD, { source, waiting });
    context.after(() => served[Symbol.asyncDispose]());
    return new Scene(served, cloud.newImage(source));
  }

  pull(): Promise<Received> {
    return this.#served.send(`/v2/${this.asked.name}/manifests/latest`);
  }

  pulls(count: number): Promise<Received[]> {
    return Promise.all(Array.from({ length: count }, () => this.pull()));
  }

  /** A worker looks at the source, and finds it at a revision. */
  async look(revision: string): Promise<number> {
    const found = { revision, gitRef: undefined };
    return (await cloud.sources.record(this.source, this.asked.request, found)).checkedAt;
  }

  async queue(by: Priority): Promise<void> {
    const { key, request } = this.asked;
    await cloud.images.queue(key, request, { by, settings: SETTINGS }, await cloud.images.read(key));
  }

  async claim(): Promise<void> {
    const claim = await cloud.images.claim(this.asked.key, claimant('worker'));
    assert.equal(claim.kind, 'claimed');
  }

  async make(text: string, revision: string): Promise<void> {
    await this.queue('pull');
    await this.claim();
    const checkedAt = await this.look(revision);
    await cloud.images.publish(this.asked.key, 'worker', published(text, { revision, checkedAt }));
  }

  async fail(failure: Failure, revision: string): Promise<void> {
    await this.queue('pull');
    await this.claim();
    await cloud.images.fail(this.asked.key, 'worker', failure, revision);
  }

  /** Moves a moment of the image's document, or of its source's, so far into the past. */
  async ago(collection: 'images' | 'sources', field: string, milliseconds: number): Promise<void> {
    await this.change(collection, field, new Date(Date.now() - milliseconds));
  }

  async change(collection: 'images' | 'sources', field: string, value: unknown): Promise<void> {
    const id = collection === 'images' ? this.asked.key : this.source;
    await cloud.firestore
      .collection(collection)
      .doc(id)
      .update({ [field]: value });
  }

  build() {
    return cloud.buildOf(this.asked.key);
  }
}

const REFUSED: Failure = { kind: 'refused', message: '"unrar" is unfree' };
const BROKEN: Failure = { kind: 'build_failed', message: 'hello failed', log: 'make: *** Error 1' };

describe('a pull of an image whose source', () => {
  test('has moved is answered at once, and has it refreshed by the time it is answered', async context => {
    const scene = await Scene.set(context);
    await scene.make('made at r1', 'r1');
    assert.equal((await scene.pull()).body.toString(), 'made at r1');
    assert.equal((await scene.build()).state, 'none');

    await scene.look('r2');
    assert.equal((await scene.pull()).body.toString(), 'made at r1');
    const build = await scene.build();
    assert.deepEqual([build.state, 'by' in build && build.by], ['queued', 'refresh']);
    // Sent, not only begun to be: an instance may be stopped behind its answer.
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.asked.key]);

    assert.deepEqual(new Set((await scene.pulls(20)).map(({ status }) => status)), new Set([200]));
    assert.deepEqual(await cloud.takeHints('refresh'), []);
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('was not looked at for long is answered, and has a worker look, once', async context => {
    const scene = await Scene.set(context);
    await scene.make('old, and maybe not', 'r1');
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    await scene.ago('images', 'current.checkedAt', POLICY.freshMs + MINUTE);
    for (const { status } of await scene.pulls(100)) assert.equal(status, 200);
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);
    assert.equal((await scene.build()).state, 'none');

    // Nobody looked, a minute later.
    await scene.ago('sources', 'askedAt', MINUTE + 1_000);
    await scene.pull();
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);

    await scene.look('r1');
    await scene.pull();
    assert.deepEqual(await cloud.takeHints('refresh'), []);
  });

  test('cannot be asked about is answered all the same', IMPATIENT, async context => {
    const nowhere = openHints(PROJECT, { pull: 'no-such-topic', refresh: 'no-such-topic' });
    const scene = await Scene.set(context, { hints: nowhere });
    await scene.make('all the same', 'r1');
    await scene.look('r2');
    assert.equal((await scene.pull()).body.toString(), 'all the same');
    assert.equal((await scene.build()).state, 'queued', 'the janitor finds it');
  });

  test('has moved too long ago waits for the new image', async context => {
    const scene = await Scene.set(context);
    await scene.make('too old', 'r1');
    await scene.look('r2');
    await scene.ago('images', 'current.builtAt', POLICY.staleMs + HOUR);
    const leftAt = new Date(Date.now() - POLICY.staleMs - MINUTE);
    await scene.change('sources', 'resolved.earlier', [{ revision: 'r1', leftAt }]);
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.claim();
    const made = published('new', { revision: 'r2', checkedAt: await scene.look('r2') });
    await cloud.images.publish(scene.asked.key, 'worker', made);
    assert.equal((await answer).body.toString(), 'new');
  });

  test(
    'nobody looked at for too long gets the old image when it is found unchanged',
    IMPATIENT,
    async context => {
      const scene = await Scene.set(context);
      await scene.make('still the same', 'r1');
      await scene.ago('images', 'current.builtAt', POLICY.staleMs + 24 * HOUR);
      await scene.ago('images', 'current.checkedAt', POLICY.staleMs + 24 * HOUR);
      await scene.ago('sources', 'resolved.checkedAt', POLICY.staleMs + 24 * HOUR);
      const answer = scene.pull();
      assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
      await scene.claim();
      await scene.look('r1');
      await cloud.images.keep(scene.asked.key, 'worker');
      assert.equal((await answer).body.toString(), 'still the same');
    },
  );

  test('stands still is refreshed where it was made under other settings', async context => {
    const settings = settingsDigest({ layerBudget: 7 });
    const scene = await Scene.set(context, { policy: { ...POLICY, settings } });
    await scene.make('of a hundred layers', 'r1');
    assert.equal((await scene.pull()).body.toString(), 'of a hundred layers');
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.asked.key]);
    const build = await scene.build();
    assert.equal(build.state === 'queued' && build.settings, settings);
  });
});

describe('a pull that finds a build which nobody waits for', () => {
  test('raises it, and wakes the workers where pulls are taken first', async context => {
    const scene = await Scene.set(context);
    await scene.queue('refresh');
    const answers = scene.pulls(20);
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    const build = await scene.build();
    assert.equal(build.state === 'queued' && build.by, 'pull');
    await scene.make('for all', 'r1');
    for (const { body } of await answers) assert.equal(body.toString(), 'for all');
    assert.deepEqual(await cloud.takeHints('pull'), []);
  });

  test('says so of one that has begun, too: given back, it is a pull’s', async context => {
    const scene = await Scene.set(context);
    await scene.queue('refresh');
    await scene.claim();
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await cloud.images.release(scene.asked.key, 'worker', undefined);
    const build = await scene.build();
    assert.equal(build.state === 'queued' && build.by, 'pull');
    await scene.make('in the end', 'r1');
    assert.equal((await answer).body.toString(), 'in the end');
  });
});

test('200 pulls that join a build write nothing and do no transaction', async context => {
  const joined = Promise.withResolvers<void>();
  let reads = 0;
  const scene = await Scene.set(context, {
    readPullState: async (key, request) => {
      const state = await cloud.readPullState(key, request);
      reads += 1;
      if (reads === 200) joined.resolve();
      return state;
    },
  });
  await scene.queue('pull');
  const { version } = await cloud.images.read(scene.asked.key);
  const transactions = context.mock.method(cloud.firestore, 'runTransaction').mock;
  const answers = scene.pulls(200);
  await joined.promise;
  assert.equal(transactions.callCount(), 0);
  assert.deepEqual((await cloud.images.read(scene.asked.key)).version, version);
  await scene.make('for everyone', 'r1');
  for (const { body } of await answers) assert.equal(body.toString(), 'for everyone');
  assert.deepEqual(await cloud.takeHints('pull'), []);
});

test('a hint that was lost is sent again by the pull that waits', IMPATIENT, async context => {
  const topic = 'a-topic-to-come';
  const { log, until } = collectLog();
  const scene = await Scene.set(context, { log, hints: openHints(PROJECT, { pull: topic, refresh: topic }) });
  const answer = scene.pull();
  await until(1, ({ message }) => message === 'the hint was not sent; it will be again');
  const [created] = await cloud.pubsub.createTopic(topic);
  await created.createSubscription(topic);
  await scene.ago('images', 'build.queuedAt', 11_000);
  while ((await cloud.readyIn(topic)) === 0);
  await scene.make('woken', 'r1');
  assert.equal((await answer).body.toString(), 'woken');
});

describe('a failure', () => {
  async function isToldAgain(scene: Scene, failure: Failure): Promise<void> {
    const { message } = specError(await scene.pull(), 403);
    assert.ok(message.startsWith(failure.message), message);
    assert.equal((await scene.build()).state, 'failed');
    assert.deepEqual(await cloud.takeHints('pull'), []);
  }

  async function isTriedAgain(scene: Scene): Promise<void> {
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.make('now it works', 'r1');
    assert.equal((await answer).body.toString(), 'now it works');
  }

  test('that is a refusal holds until the source moves', async context => {
    const scene = await Scene.set(context);
    await scene.look('r1');
    await scene.fail(REFUSED, 'r1');
    await isToldAgain(scene, REFUSED);
    await scene.ago('images', 'build.failedAt', 48 * HOUR);
    await isToldAgain(scene, REFUSED);
    assert.deepEqual(await cloud.takeHints('refresh'), []);

    // Nobody knows whether it has moved: it is told again, and a worker looks.
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    await isToldAgain(scene, REFUSED);
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.source]);

    await scene.look('r2');
    await isTriedAgain(scene);
  });

  test('that is a refusal replaces the image that was served', async context => {
    const scene = await Scene.set(context);
    await scene.make('insecure since yesterday', 'r1');
    await scene.look('r2');
    await scene.fail(REFUSED, 'r2');
    await isToldAgain(scene, REFUSED);
  });

  test('of a newer build leaves the older image to be served', async context => {
    const scene = await Scene.set(context);
    await scene.make('the last that was built', 'r1');
    await scene.look('r2');
    await scene.fail(BROKEN, 'r2');
    assert.equal((await scene.pull()).body.toString(), 'the last that was built');
    assert.deepEqual(await cloud.takeHints('refresh'), []);
    await scene.ago('images', 'build.failedAt', MINUTE + 1_000);
    assert.equal((await scene.pull()).body.toString(), 'the last that was built');
    assert.deepEqual(await cloud.takeHints('refresh'), [scene.asked.key]);
  });

  test('of a build holds for a minute, and five of them for the hour', async context => {
    const scene = await Scene.set(context);
    await scene.look('r1');
    await scene.fail(BROKEN, 'r1');
    await isToldAgain(scene, BROKEN);
    for (let failures = 2; failures <= 5; failures++) {
      await scene.ago('images', 'build.failedAt', MINUTE + 1_000);
      const answer = scene.pull();
      assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1, `failure ${failures}`);
      await scene.fail(BROKEN, 'r1');
      specError(await answer, 403);
    }
    await scene.ago('images', 'build.failedAt', 30 * MINUTE);
    await isToldAgain(scene, BROKEN);
    const [, ...others] = Array.from({ length: 5 }, () => new Date());
    await scene.change('images', 'failuresAt', [new Date(Date.now() - HOUR - MINUTE), ...others]);
    await isTriedAgain(scene);
  });

  test('at a revision that is found while a pull waits is told at once', IMPATIENT, async context => {
    const scene = await Scene.set(context);
    await scene.look('r1');
    await scene.ago('sources', 'resolved.checkedAt', POLICY.freshMs + MINUTE);
    const answer = scene.pull();
    assert.equal(await cloud.hintsAt(scene.asked.key, 'pull'), 1);
    await scene.look('r2');
    await scene.fail(REFUSED, 'r2');
    assert.match(specError(await answer, 403).message, /unfree/);
  });
});
