// A worker: does what worker/build-image.ts does, in steps between which anything may happen; and what it must not.
import assert from 'node:assert/strict';
import { LOG_LIMIT, type Failure } from '#core/failure.ts';
import type { CurrentImage, Phase } from '#core/image-document.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import { isFresh } from '#core/source-document.ts';
import { LeaseLostError } from '#core/google/images.ts';
import { published } from '#test/published.ts';
import { NEW, OLD, type Stage } from './stage.ts';

const LEASE_SECONDS = 30;
const HOUR_MS = 3_600_000;

interface Look {
  readonly revision: string;
  readonly checkedAt: number;
}

let tokens = 0;

/** A build, from its claim on. */
interface Work {
  readonly token: string;
  readonly claimedAt: number;
  readonly current: CurrentImage | undefined;
  at: Look | undefined;
}

/** Until when each token may be at work, as far as the server knows. */
export type Leases = Map<string, number>;

export class Worker {
  readonly #stage: Stage;
  readonly #leases: Leases;
  settings: SettingsDigest = OLD;
  #work: Work | undefined;
  /** Where it saw the source, and has not said so yet. */
  #found: string | undefined;

  constructor(stage: Stage, leases: Leases) {
    this.#stage = stage;
    this.#leases = leases;
  }

  /** A message is delivered; `again`: and will be once more. */
  async take(index: number, again: boolean): Promise<void> {
    const { parts, sourceKey, messages, now } = this.#stage;
    const at = index % Math.max(1, messages.length);
    const message = messages[at];
    if (message === undefined) return;
    if (!again) messages.splice(at, 1);
    if (message.look === 'image') {
      if ((await this.claim()) === 'declined') this.#stage.send(message);
      return;
    }
    const { document } = await parts.sources.read(sourceKey);
    if (document === undefined || isFresh(document.resolved, now, parts.freshMs)) return;
    await this.#stage.record(this.#stage.revision);
  }

  /** Claims, or, where it has something, claims that again: it did not hear the answer. */
  async claim(): Promise<string> {
    const { parts, model } = this.#stage;
    const { settings } = this;
    const token = this.#work?.token ?? `token-${(tokens += 1)}`;
    const result = await parts.images.claim(parts.key, { token, durationSeconds: LEASE_SECONDS, settings });
    const wasHeld = model.isHeldBy(token);
    const { now } = this.#stage;
    assert.equal(result.kind, model.claim(token, LEASE_SECONDS, settings, now), 'how a claim ends');
    if (result.kind !== 'claimed') return result.kind;
    assert.deepEqual(JSON.parse(JSON.stringify(result.document)), model.document(), 'what is claimed');
    if (wasHeld) return result.kind;
    for (const [other, until] of this.#leases) assert.ok(until < now, `${other} may still be at work`);
    this.#leases.set(token, now + LEASE_SECONDS * 1000);
    this.#work = { token, claimedAt: now, current: result.document.current, at: undefined };
    return result.kind;
  }

  /** Sees where the source stands … */
  find(): void {
    this.#found = this.#stage.revision;
  }

  /** … and says so, perhaps much later. */
  async record(): Promise<void> {
    const revision = this.#found;
    if (revision === undefined || this.#stage.parts.pinned) return;
    this.#found = undefined;
    const work = this.#work;
    const checkedAt = await this.#stage.record(revision);
    if (work !== undefined) work.at = { revision, checkedAt };
  }

  /** What worker/revisions.ts does. */
  async resolve(): Promise<void> {
    const work = this.#work;
    if (work === undefined) return;
    work.at = this.#stage.parts.pinned ? { revision: 'r0', checkedAt: work.claimedAt } : await this.#look();
  }

  async #look(): Promise<Look> {
    const { parts, sourceKey, model, now, revision } = this.#stage;
    const known = await parts.sources.freshRevision(sourceKey, parts.freshMs);
    const last = model.looks.at(-1);
    const fresh = last !== undefined && now < last.at + parts.freshMs ? last : undefined;
    assert.deepEqual([known?.revision, known?.checkedAt], [fresh?.revision, fresh?.at], 'the look to go by');
    if (known === undefined) return { revision, checkedAt: await this.#stage.record(revision) };
    return { revision: known.revision, checkedAt: known.checkedAt };
  }

  async renew(): Promise<void> {
    if (this.#work !== undefined) await this.#renew(this.#work.token);
  }

  async #renew(token: string): Promise<void> {
    const { parts, model, now } = this.#stage;
    const phase: Phase = { name: 'packing', done: now % 10, of: 10 };
    await this.#write(
      token,
      () => parts.images.renew(parts.key, token, phase),
      () => {
        model.renew(token, phase, now);
        this.#leases.set(token, now + LEASE_SECONDS * 1000);
      },
    );
  }

  /** The image is made, or found to be what would be made. */
  async finish(): Promise<void> {
    const work = this.#work;
    if (work?.at === undefined) return;
    this.#work = undefined;
    const { token, current, at } = work;
    if (current?.revision === at.revision && current.settings === this.settings) await this.#keep(token);
    else await this.#publish(token, at, `made from ${at.revision} under ${this.settings}`);
  }

  /** Keeps what is served, whatever it is, and whether or not there is anything. */
  async keep(): Promise<void> {
    if (this.#work !== undefined) await this.#keep(this.#work.token);
    this.#work = undefined;
  }

  async #keep(token: string): Promise<void> {
    const { parts, model } = this.#stage;
    const keep = (): Promise<void> => parts.images.keep(parts.key, token);
    await this.#end(
      token,
      keep,
      () => model.keep(token),
      () => model.served !== undefined,
    );
  }

  async #publish(token: string, at: Look, text: string): Promise<void> {
    const { parts, model, now } = this.#stage;
    const made = published(text, at);
    const { digest } = made.manifest;
    const isThere = await parts.hasManifest(digest);
    const written = await this.#end(
      token,
      () => parts.images.publish(parts.key, token, made),
      () => model.publish(token, { ...at, digest }, now),
    );
    assert.equal(await parts.hasManifest(digest), isThere || written, 'a manifest comes with its image');
  }

  async fail(kind: Failure['kind']): Promise<void> {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    await this.#fail(work.token, kind, kind === 'unknown_source' ? undefined : work.at?.revision);
    const { model, now } = this.#stage;
    const [failures, moves] = [model.failuresWithin(HOUR_MS, now), model.movesWithin(HOUR_MS, now)];
    assert.ok(
      failures <= 5 + moves,
      `${failures} builds failed in an hour with ${moves} moves of the source`,
    );
  }

  async #fail(token: string, kind: Failure['kind'], revision: string | undefined): Promise<void> {
    const { parts, model, now } = this.#stage;
    const failure = { kind, message: `${kind} at ${now}`, log: `${'.'.repeat(LOG_LIMIT)}end` };
    const kept = { ...failure, log: `${'.'.repeat(LOG_LIMIT - 3)}end` };
    await this.#end(
      token,
      () => parts.images.fail(parts.key, token, failure, revision),
      () => model.fail(token, kept, revision, now),
    );
  }

  /** Gives its build back, after an error or because it stops, and with it the hint. */
  async release(error: string | undefined): Promise<void> {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    await this.#release(work.token, error);
    this.#stage.send({ look: 'image', topic: 'pull' });
  }

  async #release(token: string, error: string | undefined): Promise<void> {
    const { parts, model, now } = this.#stage;
    await this.#end(
      token,
      () => parts.images.release(parts.key, token, error),
      () => model.release(token, error, now),
    );
  }

  /** It is gone without a word; its lease runs on. */
  vanish(): void {
    this.#work = undefined;
    this.#found = undefined;
  }

  /** A worker of the other settings takes its place. */
  replace(): void {
    this.vanish();
    this.settings = this.settings === OLD ? NEW : OLD;
  }

  /** Its lease was taken while it slept: it tries all that it could have written. */
  async haunt(): Promise<void> {
    if (this.#work === undefined || this.#stage.model.isHeldBy(this.#work.token)) return;
    const { token } = this.#work;
    await this.#renew(token);
    await this.#publish(token, { revision: 'of a ghost', checkedAt: this.#stage.now }, 'by a ghost');
    await this.#keep(token);
    await this.#fail(token, 'refused', 'of a ghost');
    await this.#release(token, 'of a ghost');
    await this.#release(token, undefined);
  }

  /** A write that ends a worker's work, come of it what may. */
  async #end(
    token: string,
    real: () => Promise<void>,
    ideal: () => void,
    mayBe?: () => boolean,
  ): Promise<boolean> {
    const written = await this.#write(token, real, ideal, mayBe);
    this.#leases.set(token, 0);
    return written;
  }

  /** A write that is the holder's: done if, and only if, the token holds the build when it is written (and it `mayBe`). */
  async #write(
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
    assert.equal(written, this.#stage.model.isHeldBy(token) && mayBe(), 'who may write');
    if (written) ideal();
    return written;
  }
}
