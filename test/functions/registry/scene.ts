// One image and all that may happen to it: pulls at a registry of its own, the work of a worker, time that goes by.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Failure } from '#core/failure.ts';
import type { Build, Priority } from '#core/image-document.ts';
import type { PackageSource } from '#core/package-source.ts';
import { sourceKey, type SourceKey } from '#core/source-document.ts';
import type { WaitingParts } from '#functions/registry/waiting.ts';
import { collectLog } from '#test/collected-log.ts';
import { claimant, type Asked, type Cloud } from '#test/cloud.ts';
import { offerOf, SETTINGS } from '#test/core/deployment.ts';
import { published } from '#test/published.ts';
import { Served, waitingOn, type Received } from './served.ts';

/** So long that no test gets there: what is answered is answered because of what happened. Milliseconds. */
const HOLD = 120_000;

/** For tests of what comes at once, and would come at the end of the hold as well. */
export const IMPATIENT = { timeout: 30_000 };

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

let sources = 0;

/** An image of a source that no other test has, and a registry that serves it. */
export class Scene {
  readonly asked: Asked;
  readonly source: SourceKey;
  readonly #cloud: Cloud;
  readonly #served: Served;

  private constructor(cloud: Cloud, served: Served, asked: Asked) {
    this.#cloud = cloud;
    this.#served = served;
    this.asked = asked;
    this.source = sourceKey(asked.request);
  }

  static async set(cloud: Cloud, context: TestContext, parts: Partial<WaitingParts> = {}): Promise<Scene> {
    sources += 1;
    const source: PackageSource = { kind: 'channel', name: `channel-${sources}` };
    const waiting = waitingOn(cloud, { log: collectLog().log, ...parts });
    const served = await Served.start('node:http', cloud, HOLD, { offer: offerOf(source), waiting });
    context.after(() => served[Symbol.asyncDispose]());
    return new Scene(cloud, served, cloud.newImage(source));
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
    return (await this.#cloud.sources.record(this.source, this.asked.request, found)).checkedAt;
  }

  async queue(by: Priority): Promise<void> {
    const { key, request } = this.asked;
    await this.#cloud.images.queue(
      key,
      request,
      { by, settings: SETTINGS },
      await this.#cloud.images.read(key),
    );
  }

  async claim(): Promise<void> {
    const claim = await this.#cloud.images.claim(this.asked.key, claimant('worker'));
    assert.equal(claim.kind, 'claimed');
  }

  async make(text: string, revision: string): Promise<void> {
    await this.queue('pull');
    await this.claim();
    const checkedAt = await this.look(revision);
    await this.#cloud.images.publish(this.asked.key, 'worker', published(text, { revision, checkedAt }));
  }

  async fail(failure: Failure, revision: string): Promise<void> {
    await this.queue('pull');
    await this.claim();
    await this.#cloud.images.fail(this.asked.key, 'worker', failure, revision);
  }

  /** Moves a moment of the image's document, or of its source's, so far into the past. */
  async ago(collection: 'images' | 'sources', field: string, milliseconds: number): Promise<void> {
    await this.change(collection, field, new Date(Date.now() - milliseconds));
  }

  async change(collection: 'images' | 'sources', field: string, value: unknown): Promise<void> {
    const id = collection === 'images' ? this.asked.key : this.source;
    await this.#cloud.firestore
      .collection(collection)
      .doc(id)
      .update({ [field]: value });
  }

  build(): Promise<Build> {
    return this.#cloud.buildOf(this.asked.key);
  }
}
