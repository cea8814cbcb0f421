// One who pulls (or, `by` refresh, a prebuild): reads, and acts on what was read a while ago, as functions/asking.ts does.
import assert from 'node:assert/strict';
import { askedBuild, type Priority } from '#core/image-document.ts';
import { decidePull, type Follow, type PullPolicy } from '#core/pull-decision.ts';
import type { SeenImage } from '#core/google/image-collection.ts';
import type { SeenSource } from '#core/google/sources.ts';
import { summarise, type Answer } from './answer.ts';
import { SETTINGS } from '#test/core/deployment.ts';
import type { Model } from './model.ts';
import type { Stage } from './stage.ts';

/** What was read and not acted on yet, and what the model said of it then. */
interface Read {
  readonly image: SeenImage;
  readonly source: SeenSource;
  readonly writes: number;
  readonly sourceWrites: number;
  readonly looks: number;
  readonly answer: Answer;
}

export class Client {
  readonly #stage: Stage;
  readonly #model: Model;
  readonly #by: Priority;
  #read: Read | undefined;

  constructor(stage: Stage, model: Model, by: Priority) {
    this.#stage = stage;
    this.#model = model;
    this.#by = by;
  }

  get policy(): PullPolicy {
    const { freshMs, staleMs } = this.#stage.parts;
    return { settings: SETTINGS, freshMs, staleMs };
  }

  /** What it must be answered now. */
  get expected(): Answer {
    return this.#model.answer(this.policy, this.#stage.now);
  }

  async read(): Promise<void> {
    const { parts, sourceKey, source: known } = this.#stage;
    const image = await parts.images.read(this.#model.subject.key);
    const source = await parts.sources.read(sourceKey);
    this.#read = {
      image,
      source,
      writes: this.#model.writes,
      sourceWrites: known.writes,
      looks: known.looks.length,
      answer: this.expected,
    };
  }

  async act(lost: boolean): Promise<void> {
    const read = this.#read;
    if (read === undefined) return;
    const { image, source, answer } = read;
    const decision = decidePull(image.document, source.document, this.policy, image.readTime);
    assert.deepEqual(summarise(decision), answer, 'the answer is what it must be');
    switch (decision.kind) {
      case 'ready':
      case 'failed':
        return this.#follow(read, decision.follow, lost);
      case 'pending':
        if (decision.raise && this.#by === 'pull') await this.#raise(read, lost);
        return;
      case 'unasked':
        return this.#queue(read, this.#by, lost);
    }
  }

  /** One who waits is told the image's every state, and knows of the source what was known when the waiting began. */
  async listen(): Promise<void> {
    if (this.#read === undefined) return;
    const { parts } = this.#stage;
    const { source, looks } = this.#read;
    const { document, readTime } = await parts.images.read(this.#model.subject.key);
    const decision = decidePull(document, source.document, this.policy, readTime);
    const expected = this.#model.answer(this.policy, readTime, looks);
    assert.deepEqual(summarise(decision), expected, 'what a listener is told');
  }

  /** Queues what was under way when it was read: nothing may come of it. */
  async queueAgain(lost: boolean): Promise<void> {
    if (this.#read === undefined || askedBuild(this.#read.image.document) === undefined) return;
    await this.#queue(this.#read, this.#by, lost);
  }

  /** Raises whatever was read. */
  async raiseAnyway(lost: boolean): Promise<void> {
    if (this.#read !== undefined) await this.#raise(this.#read, lost);
  }

  async #follow(read: Read, follow: Follow, lost: boolean): Promise<void> {
    if (follow === 'refresh') return this.#queue(read, 'refresh', lost);
    if (follow === 'nothing') return;
    const { parts, sourceKey, source } = this.#stage;
    const asked = await parts.sources.ask(sourceKey, parts.request, read.source);
    assert.equal(asked, source.ask(read.sourceWrites, read.source.readTime), 'who asks for a look');
    if (asked) this.#stage.send({ look: 'source', topic: 'refresh' }, lost);
  }

  async #queue(read: Read, by: Priority, lost: boolean): Promise<void> {
    const { key, request, settings } = this.#model.subject;
    const { images } = this.#stage.parts;
    const queued = await images.queue(key, request, { by, settings }, read.image);
    assert.equal(queued, this.#model.queue(read.writes, by, read.image.readTime), 'who queues');
    if (queued) this.#stage.send({ look: 'image', of: this.#model, topic: by }, lost);
  }

  async #raise(read: Read, lost: boolean): Promise<void> {
    const raised = await this.#stage.parts.images.raise(this.#model.subject.key, read.image);
    assert.equal(raised, this.#model.raise(read.writes), 'who raises');
    if (raised) this.#stage.send({ look: 'image', of: this.#model, topic: 'pull' }, lost);
  }
}
