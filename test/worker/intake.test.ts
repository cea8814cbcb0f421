import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Topic } from '@google-cloud/pubsub';
import { ConfigurationError } from '#core/errors.ts';
import { encodeHint, type Hint } from '#core/hint.ts';
import type { Priority } from '#core/image-document.ts';
import { sourceKey } from '#core/source-document.ts';
import { startIntake, type HandledAs, type Intake } from '#worker/intake.ts';
import { collectLog } from '#test/collected-log.ts';
import { Cloud, PROJECT } from '#test/cloud.ts';

let cloud: Cloud;
before(async () => {
  cloud = await Cloud.start();
});
after(() => cloud[Symbol.asyncDispose]());

type Key = Hint['key'];

/** Topics of a test's own, each with its subscription. */
class Topics {
  readonly names: Readonly<Record<Priority, string>> = {
    pull: `builds-${randomUUID()}`,
    refresh: `refreshes-${randomUUID()}`,
  };
  readonly #topics = new Map<Priority, Topic>();

  static async create(): Promise<Topics> {
    const topics = new Topics();
    for (const priority of ['pull', 'refresh'] as const) {
      const [topic] = await cloud.pubsub.createTopic(topics.names[priority]);
      await topic.createSubscription(topics.names[priority]);
      topics.#topics.set(priority, topic);
    }
    return topics;
  }

  async publish(priority: Priority, data: Buffer): Promise<void> {
    await this.#topics.get(priority)?.publishMessage({ data });
  }

  /** Sends a hint at an image that is only a name. */
  async hint(priority: Priority): Promise<Key> {
    const { key } = cloud.newImage();
    await this.publish(priority, encodeHint({ look: 'image', key }));
    return key;
  }
}

/** What an intake hands out: each begun build is waited for and ended by the test. */
class Builds {
  /** In the order in which they began. */
  readonly begun: Key[] = [];
  running = 0;
  mostAtOnce = 0;
  readonly #ends = new Map<Key, (handled: HandledAs) => void>();
  #changed = Promise.withResolvers<void>();

  readonly handle = ({ key }: Hint): Promise<HandledAs> => {
    this.begun.push(key);
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    this.#change();
    return new Promise(resolve => {
      this.#ends.set(key, handled => {
        this.running -= 1;
        resolve(handled);
      });
    });
  };

  async untilBegun(count: number): Promise<void> {
    while (this.begun.length < count) await this.#changed.promise;
  }

  end(key: Key | undefined, handled: HandledAs = 'done'): void {
    assert.ok(key !== undefined && this.#ends.has(key), 'no such build is running');
    this.#ends.get(key)?.(handled);
    this.#ends.delete(key);
  }

  endAll(): void {
    for (const key of Array.from(this.#ends.keys())) this.end(key);
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

async function start(
  context: TestContext,
  topics: Topics,
  handle: (hint: Hint) => Promise<HandledAs>,
  slots = 1,
  { log } = collectLog(),
  dropDeclinedAfterMs = Infinity,
): Promise<Intake> {
  const onBroken = (): void => assert.fail('the subscription broke');
  const subscriptions = topics.names;
  const intake = await startIntake({
    projectId: PROJECT,
    subscriptions,
    slots,
    dropDeclinedAfterMs,
    handle,
    log,
    onBroken,
  });
  let stopped: Promise<number> | undefined;
  const once = { stop: () => (stopped ??= intake.stop()) };
  context.after(() => once.stop());
  return once;
}

/** Hints but for one thing each: the version, what is to be looked at, the key. */
function strangeHints(): string[] {
  const hint = { version: 1, look: 'image', key: cloud.newImage().key };
  return [
    { ...hint, version: 99 },
    { ...hint, look: 'elsewhere' },
    { ...hint, key: '../x' },
  ].map(strange => JSON.stringify(strange));
}

describe('intake', () => {
  test('has as many builds at a time as it has slots, and gets to all', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    const keys = new Set<Key>();
    for (let i = 0; i < 4; i++) keys.add(await topics.hint('pull')).add(await topics.hint('refresh'));
    await start(context, topics, builds.handle, 2);
    for (let ended = 0; ended < keys.size; ended++) {
      await builds.untilBegun(Math.min(ended + 2, keys.size));
      builds.end(builds.begun[ended]);
    }
    assert.deepEqual(new Set(builds.begun), keys);
    assert.equal(builds.begun.length, keys.size, 'each once');
    assert.equal(builds.mostAtOnce, 2);
  });

  test('begins builds that someone waits for before those that nobody waits for', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    const collected = collectLog();
    await start(context, topics, builds.handle, 1, collected);
    const received = (count: number, priority: Priority): Promise<void> =>
      collected.until(count, line => line['message'] === 'hint received' && line['priority'] === priority);

    const pulls = new Set([await topics.hint('pull')]);
    await builds.untilBegun(1);
    for (let i = 0; i < 2; i++) await topics.hint('refresh');
    for (let i = 0; i < 2; i++) pulls.add(await topics.hint('pull'));
    for (let ended = 0; ended < 5; ended++) {
      await received(1, 'refresh');
      await received(Math.min(ended + 2, 3), 'pull');
      builds.end(builds.begun[ended]);
      if (ended < 4) await builds.untilBegun(ended + 2);
    }
    assert.deepEqual(new Set(builds.begun.slice(0, 3)), pulls);
    assert.equal(new Set(builds.begun).size, 5);
  });

  test('takes no more than it soon has room for: the rest is there for other workers', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    const collected = collectLog();
    for (let i = 0; i < 6; i++) await Promise.all([topics.hint('pull'), topics.hint('refresh')]);
    const intake = await start(context, topics, builds.handle, 2, collected);
    await collected.until(5, line => line['message'] === 'hint received');
    assert.equal(await cloud.readyIn(topics.names.pull), 3);
    assert.equal(await cloud.readyIn(topics.names.refresh), 4);
    const stopped = intake.stop();
    builds.endAll();
    await stopped;
  });

  test('says what a hint names: an image, or a source', async context => {
    const topics = await Topics.create();
    const { key, request } = cloud.newImage();
    const hints: Hint[] = [];
    const bothCame = Promise.withResolvers<void>();
    await start(context, topics, async hint => {
      hints.push(hint);
      if (hints.length === 2) bothCame.resolve();
      return 'done';
    });
    const image = { look: 'image', key } as const;
    const source = { look: 'source', key: sourceKey(request) } as const;
    await topics.publish('pull', encodeHint(image));
    await topics.publish('refresh', encodeHint(source));
    await bothCame.promise;
    const wanted = [image, source].map(target => ({ version: 1, ...target }));
    assert.deepEqual(new Set(hints), new Set(wanted));
  });

  test('gives a hint back that is to be handled again', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    await start(context, topics, builds.handle);
    const key = await topics.hint('pull');
    await builds.untilBegun(1);
    builds.end(key, 'again');
    await builds.untilBegun(2);
    builds.end(key, 'done');
    assert.deepEqual(builds.begun, [key, key]);
  });

  test('gives a hint back that is declined', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    await start(context, topics, builds.handle);
    const key = await topics.hint('pull');
    await builds.untilBegun(1);
    builds.end(key, 'declined');
    await builds.untilBegun(2);
    builds.end(key, 'done');
    assert.deepEqual(builds.begun, [key, key]);
  });

  test('drops a hint that is declined and no longer new', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    const intake = await start(context, topics, builds.handle, 1, collectLog(), 0);
    const key = await topics.hint('pull');
    await builds.untilBegun(1);
    builds.end(key, 'declined');
    const next = await topics.hint('pull');
    await builds.untilBegun(2);
    builds.endAll();
    await intake.stop();
    assert.deepEqual(builds.begun, [key, next]);
    assert.equal(await cloud.readyIn(topics.names.pull), 0);
  });

  test('gives a hint back whose handling threw', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    let thrown = false;
    await start(context, topics, hint => {
      if (thrown) return builds.handle(hint);
      thrown = true;
      return Promise.reject(new Error('no database'));
    });
    const key = await topics.hint('pull');
    await builds.untilBegun(1);
    assert.deepEqual(builds.begun, [key]);
    builds.endAll();
  });

  test('T4: drops messages that are no hints, once and for all', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    for (const text of [' ', '{', ...strangeHints(), '\0\xff']) {
      await topics.publish('pull', Buffer.from(text, 'latin1'));
    }
    const intake = await start(context, topics, builds.handle);
    const key = await topics.hint('pull');
    await builds.untilBegun(1);
    assert.deepEqual(builds.begun, [key]);
    builds.endAll();
    await intake.stop();

    // Nothing of it is left for another worker: the next message it gets is the next one sent.
    const others = new Builds();
    await start(context, topics, others.handle, 10);
    const next = await topics.hint('pull');
    await others.untilBegun(1);
    assert.deepEqual(others.begun, [next]);
    others.endAll();
  });

  test('that stops ends what it began, begins nothing more, and leaves the rest to another', async context => {
    const topics = await Topics.create();
    const builds = new Builds();
    const collected = collectLog();
    const intake = await start(context, topics, builds.handle, 2, collected);
    const keys = new Set<Key>();
    for (let i = 0; i < 4; i++) keys.add(await topics.hint('pull')).add(await topics.hint('refresh'));
    // What is on its way when a stream ends is back only after its deadline: here all that fits has arrived.
    await collected.until(5, line => line['message'] === 'hint received');
    await builds.untilBegun(2);
    const [done, again] = builds.begun;
    const stopped = intake.stop();
    builds.end(done, 'done');
    builds.end(again, 'again');
    await stopped;
    assert.equal(builds.begun.length, 2);

    const others = new Builds();
    await start(context, topics, others.handle, 20);
    await others.untilBegun(7);
    assert.ok(done !== undefined && keys.delete(done));
    assert.deepEqual(new Set(others.begun), keys);
    others.endAll();
  });

  test('says which subscription is not there', async context => {
    const topics = await Topics.create();
    const names = { ...topics.names, refresh: 'no-such-subscription' };
    const missing = Object.assign(new Topics(), { names });
    await assert.rejects(
      start(context, missing, () => assert.fail('there is nothing to do')),
      (error: unknown) =>
        error instanceof ConfigurationError && /"no-such-subscription" in project test/.test(error.message),
    );
  });
});
