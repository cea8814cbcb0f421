// Plays one step after another, and holds all that comes of it to the model.
import assert from 'node:assert/strict';
import type { ImageDocument, Priority } from '#core/image-document.ts';
import { sleepersOf } from '#functions/sleepers.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import { Client } from './client.ts';
import type { Leases } from './holder-writes.ts';
import type { Model } from './model.ts';
import { Stage, type Parts } from './stage.ts';
import type { Step } from './steps.ts';
import { Worker } from './worker.ts';

const PATIENCE_MS = 10_000;
/** Whom each client asks for, the index or the image if there is just one, and on whose behalf. */
const CLIENTS = [
  { by: 'pull', image: 0 },
  { by: 'pull', image: 0 },
  { by: 'pull', image: 1 },
  { by: 'refresh', image: 0 },
] as const;

const JANITOR_PATIENCE_MS = 5 * 60_000;

export class World {
  readonly #stage: Stage;
  readonly #clients: readonly Client[];
  readonly #workers: readonly Worker[];

  constructor(parts: Parts) {
    const stage = new Stage(parts);
    const leases: Leases = new Map();
    this.#stage = stage;
    this.#clients = CLIENTS.map(({ by, image }) => new Client(stage, stage.model(image), by));
    this.#workers = Array.from({ length: 3 }, () => new Worker(stage, leases));
  }

  /** Plays a step, and compares the documents with the models. */
  async play(step: Step): Promise<void> {
    await this.#play(step);
    const { parts, sourceKey, source, models } = this.#stage;
    const { document } = await parts.sources.read(sourceKey);
    assert.deepEqual(document, source.document(), 'the source is what it must be');
    const images = await parts.images.readAll(models.map(({ subject }) => subject.key));
    for (const [at, model] of models.entries()) this.#compare(images[at]?.document, model);
  }

  #compare(document: ImageDocument | undefined, model: Model): void {
    assert.deepEqual(document, model.document(), 'the document is what it must be');
    if (document === undefined) return;
    const { build, current } = document;
    const attempts = 'attempts' in build ? build.attempts : 0;
    assert.ok(attempts >= 0 && attempts <= 5, 'at most five attempts');
    const isReal = current === undefined || this.#stage.revisions.includes(current.revision);
    assert.ok(isReal, 'made from a revision that there was');
    assert.ok(build.state !== 'waiting' || model.images.length > 0, 'only indexes wait for images');
  }

  /**
   * Faults have stopped, and all messages and workers so far are lost. One worker lives, and either someone waits or the
   * janitor runs: the build comes to an end.
   */
  async end(who: 'client' | 'janitor'): Promise<void> {
    const { models, messages } = this.#stage;
    const [client, worker] = [this.#client(0), this.#worker(0)];
    messages.length = 0;
    for (const each of this.#workers) each.vanish();
    worker.settings = SETTINGS;
    // A lease of half a minute runs out, the source is looked at, and a build is made, and those of an index before it.
    for (let round = 0; round < 8; round++) {
      if (who === 'janitor') {
        if (models.every(({ asked }) => asked === undefined)) return;
        await this.play({ do: 'time passes', ms: JANITOR_PATIENCE_MS + 1 });
        await this.play({ do: 'sweep', lost: false });
      } else {
        await this.play({ do: 'pull', client: 0, lost: false });
        const { kind } = client.expected;
        if (kind === 'ready' || kind === 'failed') return;
        await this.play({ do: 'time passes', ms: PATIENCE_MS + 1 });
        await this.play({ do: 'wait', lost: false });
      }
      for (let left = 50; messages.length > 0; left--) {
        assert.ok(left > 0, 'messages beget messages');
        await this.#handle();
      }
    }
    assert.fail(`the ${who} waits for ever`);
  }

  /** The first worker takes a message, makes what that asks for, and looks at whatever waited for it. */
  async #handle(): Promise<void> {
    await this.play({ do: 'take', worker: 0, message: 0, again: false });
    for (let build = 0; build < 4; build++) {
      await this.play({ do: 'resolve', worker: 0 });
      await this.play({ do: 'finish', worker: 0 });
      await this.play({ do: 'lookAt', worker: 0 });
    }
  }

  async #play(step: Step): Promise<void> {
    const { parts, messages, revisions } = this.#stage;
    switch (step.do) {
      case 'time passes':
        parts.clock.now += step.ms;
        return;
      case 'the source moves':
        revisions.push(`r${step.to}`);
        return;
      case 'pull':
        await this.#client(step.client).read();
        return this.#client(step.client).act(step.lost);
      case 'act':
      case 'queueAgain':
      case 'raiseAnyway':
        return this.#client(step.client)[step.do](step.lost);
      case 'read':
      case 'listen':
        return this.#client(step.client)[step.do]();
      case 'wait':
        return this.#wakeWorkers(this.#stage.model(0), PATIENCE_MS, () => 'pull', step.lost);
      case 'sweep':
        for (const model of this.#stage.models)
          await this.#wakeWorkers(model, JANITOR_PATIENCE_MS, by => by, step.lost);
        return;
      case 'lose':
        messages.splice(step.message, 1);
        return;
      case 'take':
        return this.#worker(step.worker).take(step.message, step.again);
      case 'claim':
        return this.#worker(step.worker).claim(step.image);
      case 'fail':
        return this.#worker(step.worker).fail(step.kind);
      case 'release':
        return this.#worker(step.worker).release(`no network at ${parts.clock.now}`);
      case 'stop':
        return this.#worker(step.worker).release(undefined);
      case 'worker of other settings':
        return this.#worker(step.worker).replace();
      case 'meanwhile':
        parts.interrupt(() => this.play(step.others));
        await this.play(step.step);
        return parts.interrupt(async () => {});
      case 'again and again':
        for (let time = 0; time < step.times; time++) for (const each of step.steps) await this.play(each);
        return;
      default:
        await this.#worker(step.worker)[step.do]();
    }
  }

  #client(index: number): Client {
    const client = this.#clients[index];
    assert.ok(client);
    return client;
  }

  #worker(index: number): Worker {
    const worker = this.#workers[index];
    assert.ok(worker);
    return worker;
  }

  /** Whoever waits, or the janitor, looks whether a build was left alone. */
  async #wakeWorkers(
    model: Model,
    patienceMs: number,
    topic: (by: Priority) => Priority,
    lost: boolean,
  ): Promise<void> {
    const { images } = this.#stage.parts;
    const { document, readTime } = await images.read(model.subject.key);
    if (document === undefined) return;
    const sleepers = await sleepersOf(images, model.subject.key, document, readTime, patienceMs);
    const left = model.leftAlone(readTime, patienceMs);
    assert.deepEqual(
      sleepers,
      left.map(({ subject, asked }) => ({ key: subject.key, by: asked?.by })),
      'whose hints are sent again',
    );
    for (const of of left) {
      this.#stage.send({ look: 'image', of, topic: topic(of.asked?.by ?? 'pull') }, lost);
    }
  }
}
