// The writes of a worker that holds a build, or believes that it does: each is done if, and only if, it does.
import assert from 'node:assert/strict';
import { digestOf, digestSchema } from '#core/digest.ts';
import { LOG_LIMIT, type Failure } from '#core/failure.ts';
import type { Phase } from '#core/image-document.ts';
import type { RequestKey } from '#core/image-request.ts';
import type { Standing } from '#core/index-life.ts';
import { LeaseLostError } from '#core/google/image-holding.ts';
import { published } from '#test/published.ts';
import type { Model } from './model.ts';
import type { Stage } from './stage.ts';

/** No image is made of it. */
const NOTHING = digestOf('nothing');

/** The leases that are claimed, in seconds. */
export const LEASE_SECONDS = 30;

export interface Held {
  readonly model: Model;
  readonly token: string;
}

/** The source as it was seen. */
export interface SeenAt {
  readonly revision: string;
  readonly checkedAt: number;
}

/** Until when each token may be at work on an image, as far as the server knows. */
export type Leases = Map<string, { readonly of: Model; readonly until: number }>;

export class HolderWrites {
  readonly #stage: Stage;
  readonly #leases: Leases;
  /** Told which indexes the holder is to look at. */
  readonly #wake: (indexes: readonly Model[]) => void;

  constructor(stage: Stage, leases: Leases, wake: (indexes: readonly Model[]) => void) {
    this.#stage = stage;
    this.#leases = leases;
    this.#wake = wake;
  }

  async renew({ model, token }: Held): Promise<void> {
    const { parts, now } = this.#stage;
    const phase: Phase = { name: 'packing', done: now % 10, of: 10 };
    await this.#write(
      model,
      token,
      () => parts.images.renew(model.subject.key, token, phase),
      () => {
        model.renew(token, phase, now);
        this.#leases.set(token, { of: model, until: now + LEASE_SECONDS * 1000 });
      },
    );
  }

  async park({ model, token }: Held, standings: ReadonlyMap<Model, Standing>): Promise<void> {
    const { parts, now } = this.#stage;
    const underWay = [...standings].filter(([, { kind }]) => kind === 'under-way');
    const awaited = underWay.map(([image]) => image);
    const isAsked = underWay.some(([, standing]) => standing.kind === 'under-way' && standing.queued);
    const missing = isAsked ? `had to ask at ${now}` : undefined;
    let waits = true;
    await this.#end(
      model,
      token,
      async () => {
        const keys = awaited.map(({ subject }) => subject.key);
        waits = await parts.images.park(model.subject.key, token, keys, missing);
        return [];
      },
      () => {
        assert.equal(waits, model.park(token, awaited, missing, this.#stage.now), 'whether an index waits');
        // Where it does not, it is looked at again at once.
        if (!waits) this.#wake([model]);
      },
    );
  }

  async keep({ model, token }: Held): Promise<void> {
    const { images } = this.#stage.parts;
    await this.#end(
      model,
      token,
      async () => {
        const waiting = await images.keep(
          model.subject.key,
          token,
          digestSchema.parse(model.served?.digest ?? NOTHING),
        );
        // Such a worker makes the image; to the document it is as if it was not the holder.
        if (waiting === undefined) throw new LeaseLostError();
        return waiting;
      },
      () => model.keep(token),
      () => model.served !== undefined,
    );
  }

  async publish({ model, token }: Held, at: SeenAt, text: string): Promise<void> {
    const { parts } = this.#stage;
    const made = published(text, at);
    const { digest } = made.manifest;
    const isThere = await parts.hasManifest(digest);
    const written = await this.#end(
      model,
      token,
      async () => {
        const publication = await parts.images.publish(model.subject.key, token, made);
        assert.ok(publication.kind === 'published');
        return publication.waiting;
      },
      () => model.publish(token, { ...at, digest }, this.#stage.now),
    );
    assert.equal(await parts.hasManifest(digest), isThere || written, 'a manifest comes with its image');
  }

  async fail({ model, token }: Held, failure: Failure, revision: string | undefined): Promise<void> {
    const { images } = this.#stage.parts;
    const { log } = failure;
    const kept = log === undefined ? failure : { ...failure, log: log.slice(-LOG_LIMIT) };
    await this.#end(
      model,
      token,
      () => images.fail(model.subject.key, token, failure, revision),
      () => model.fail(token, kept, revision, this.#stage.now),
    );
  }

  async release({ model, token }: Held, error: string | undefined): Promise<void> {
    const { images } = this.#stage.parts;
    await this.#end(
      model,
      token,
      async () => {
        await images.release(model.subject.key, token, error);
        return [];
      },
      () => model.release(token, error, this.#stage.now),
    );
  }

  /** A write that ends a worker's work, come of it what may: it is told who waited for its end. */
  async #end(
    model: Model,
    token: string,
    real: () => Promise<readonly RequestKey[]>,
    ideal: () => void,
    mayBe?: () => boolean,
  ): Promise<boolean> {
    let woken: readonly RequestKey[] = [];
    const written = await this.#write(
      model,
      token,
      async () => {
        woken = await real();
      },
      () => {
        const indexes = waitingFor(model);
        ideal();
        const ended = model.asked === undefined ? indexes : [];
        assert.deepEqual(
          woken,
          ended.map(({ subject }) => subject.key),
          'the indexes that wait',
        );
        this.#wake(ended);
      },
      mayBe,
    );
    this.#leases.delete(token);
    return written;
  }

  /** A write that is the holder's: done if, and only if, the token holds the build when it is written (and it `mayBe`). */
  async #write(
    model: Model,
    token: string,
    real: () => Promise<void>,
    ideal: () => void,
    mayBe = (): boolean => true,
  ): Promise<boolean> {
    let written = true;
    try {
      await real();
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
      written = false;
    }
    assert.equal(written, model.isHeldBy(token) && mayBe(), 'who may write');
    if (written) ideal();
    return written;
  }
}

/** The indexes that the end of a build will wake. */
export function waitingFor(model: Model): Model[] {
  return (model.asked?.indexes ?? []).flatMap(key => {
    const { index } = model;
    return index?.subject.key === key ? [index] : [];
  });
}
