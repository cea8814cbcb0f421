// Plays one step after another, and holds all that comes of it to the model.
import assert from 'node:assert/strict';
import type { Priority } from '#core/image-document.ts';
import { needsHint } from '#core/image-life.ts';
import { Client } from './client.ts';
import { OLD, Stage, type Parts } from './stage.ts';
import type { Step } from './steps.ts';
import { Worker, type Leases } from './worker.ts';

const PATIENCE_MS = 10_000;
const JANITOR_PATIENCE_MS = 5 * 60_000;

export class World {
  readonly #stage: Stage;
  readonly #clients: readonly Client[];
  readonly #workers: readonly Worker[];

  constructor(parts: Parts) {
    const stage = new Stage(parts);
    const leases: Leases = new Map();
    this.#stage = stage;
    this.#clients = (['pull', 'pull', 'pull', 'refresh'] as const).map(by => new Client(stage, by));
    this.#workers = Array.from({ length: 3 }, () => new Worker(stage, leases));
  }

  /** Plays a step, and compares the document with the model. */
  async play(step: Step): Promise<void> {
    await this.#play(step);
    const { parts, sourceKey, model, revisions } = this.#stage;
    const source = await parts.sources.read(sourceKey);
    assert.deepEqual(source.document, model.sourceDocument(), 'the source is what it must be');
    const { document } = await parts.images.read(parts.key);
    assert.deepEqual(document, model.document(), 'the document is what it must be');
    if (document === undefined) return;
    const { build, current } = document;
    const attempts = 'attempts' in build ? build.attempts : 0;
    assert.ok(attempts >= 0 && attempts <= 5, 'at most five attempts');
    const isReal = current === undefined || revisions.includes(current.revision);
    assert.ok(isReal, 'made from a revision that there was');
  }

  /**
   * Faults have stopped, and all messages and workers so far are lost. One worker lives, and either someone waits or the
   * janitor runs: the build comes to an end.
   */
  async end(who: 'client' | 'janitor'): Promise<void> {
    const { model, messages } = this.#stage;
    const [client, worker] = [this.#client(0), this.#worker(0)];
    messages.length = 0;
    for (const each of this.#workers) each.vanish();
    worker.settings = who === 'client' ? client.settings : (model.asked?.settings ?? OLD);
    // A lease of half a minute runs out, the source is looked at, and a build is made.
    for (let round = 0; round < 6; round++) {
      if (who === 'janitor') {
        if (model.asked === undefined) return;
        await this.play({ do: 'time passes', ms: JANITOR_PATIENCE_MS + 1 });
        await this.play({ do: 'sweep', lost: false });
      } else {
        await this.play({ do: 'pull', client: 0, lost: false });
        const { kind } = model.answer(client.policy, this.#stage.now);
        if (kind === 'ready' || kind === 'failed') return;
        await this.play({ do: 'time passes', ms: PATIENCE_MS + 1 });
        await this.play({ do: 'wait', lost: false });
      }
      for (let left = messages.length; left > 0; left--) {
        await this.play({ do: 'take', worker: 0, message: 0, again: false });
        await this.play({ do: 'resolve', worker: 0 });
        await this.play({ do: 'finish', worker: 0 });
      }
    }
    assert.fail(`the ${who} waits for ever`);
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
      case 'registry of other settings':
        return this.#client(step.client).replace();
      case 'wait':
        return this.#wakeWorkers(PATIENCE_MS, () => 'pull', step.lost);
      case 'sweep':
        return this.#wakeWorkers(JANITOR_PATIENCE_MS, by => by, step.lost);
      case 'lose':
        messages.splice(step.message, 1);
        return;
      case 'take':
        return this.#worker(step.worker).take(step.message, step.again);
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

  /** Whoever waits, or the janitor, looks whether the build was left alone. */
  async #wakeWorkers(patienceMs: number, topic: (by: Priority) => Priority, lost: boolean): Promise<void> {
    const { parts, model } = this.#stage;
    const { document, readTime } = await parts.images.read(parts.key);
    const build = document?.build;
    const needed = build !== undefined && needsHint(build, readTime, patienceMs);
    assert.equal(needed, model.isLeftAlone(readTime, patienceMs), 'whether the hint is sent again');
    if (needed) this.#stage.send({ look: 'image', topic: topic(build.by) }, lost);
  }
}
