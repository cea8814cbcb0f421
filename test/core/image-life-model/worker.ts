// A worker: does what worker/build-image.ts and worker/make-index.ts do, in steps between which anything may happen; and
// what it must not.
import assert from 'node:assert/strict';
import { LOG_LIMIT, type Failure } from '#core/failure.ts';
import type { CurrentImage, Priority } from '#core/image-document.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import type { Standing } from '#core/index-life.ts';
import { isFresh } from '#core/source-document.ts';
import { OTHER_SETTINGS, SETTINGS } from '#test/core/deployment.ts';
import {
  HolderWrites,
  LEASE_SECONDS,
  waitingFor,
  type Held,
  type Leases,
  type SeenAt,
} from './holder-writes.ts';
import type { Model } from './model.ts';
import type { Stage } from './stage.ts';

const HOUR_MS = 3_600_000;

let tokens = 0;

/** A build, from its claim on. */
interface Work extends Held {
  readonly claimedAt: number;
  readonly current: CurrentImage | undefined;
  /** For whom, as it was then. */
  readonly by: Priority;
  at: SeenAt | undefined;
  /** Of an index: how each of its images stood when it was asked for. */
  readonly standings: Map<Model, Standing>;
}

export class Worker {
  readonly #stage: Stage;
  readonly #leases: Leases;
  readonly #writes: HolderWrites;
  settings: SettingsDigest = SETTINGS;
  #work: Work | undefined;
  /** Where it saw the source, and has not said so yet. */
  #found: string | undefined;
  /** Indexes that it is about to look at, having ended a build of one of their images. */
  #woken: Model[] = [];

  constructor(stage: Stage, leases: Leases) {
    this.#stage = stage;
    this.#leases = leases;
    this.#writes = new HolderWrites(stage, leases, indexes => this.#woken.push(...indexes));
  }

  /** A message is delivered; `again`: and will be once more. */
  async take(index: number, again: boolean): Promise<void> {
    const { parts, sourceKey, messages, now } = this.#stage;
    const at = index % Math.max(1, messages.length);
    const message = messages[at];
    if (message === undefined) return;
    if (!again) messages.splice(at, 1);
    if (message.look === 'image') {
      if ((await this.#claim(message.of)) === 'declined') this.#stage.send(message);
      return;
    }
    const { document } = await parts.sources.read(sourceKey);
    if (document === undefined || isFresh(document.resolved, now, parts.freshMs)) return;
    await this.#stage.record(this.#stage.revision);
  }

  async claim(image: number): Promise<void> {
    await this.#claim(this.#stage.model(image));
  }

  /** Claims, or, where it has something, claims that again: it did not hear the answer. */
  async #claim(wanted: Model): Promise<string> {
    const { images } = this.#stage.parts;
    const { settings } = this;
    const model = this.#work?.model ?? wanted;
    const token = this.#work?.token ?? `token-${(tokens += 1)}`;
    const claim = { token, durationSeconds: LEASE_SECONDS, settings };
    const result = await images.claim(model.subject.key, claim);
    const wasHeld = model.isHeldBy(token);
    const { now } = this.#stage;
    const indexes = waitingFor(model);
    assert.equal(result.kind, model.claim(token, LEASE_SECONDS, settings, now), 'how a claim ends');
    if (result.kind === 'given-up') {
      const keys = indexes.map(({ subject }) => subject.key);
      assert.deepEqual(result.waiting, keys, 'the indexes that wait');
      this.#woken.push(...indexes);
    }
    if (result.kind !== 'claimed') return result.kind;
    assert.deepEqual(JSON.parse(JSON.stringify(result.document)), model.document(), 'what is claimed');
    if (wasHeld) return result.kind;
    for (const [other, { of, until }] of this.#leases) {
      assert.ok(of !== model || until < now, `${other} may still be at work`);
    }
    this.#leases.set(token, { of: model, until: now + LEASE_SECONDS * 1000 });
    const { current, build } = result.document;
    const work = { model, token, claimedAt: now, current, by: build.by };
    this.#work = { ...work, at: undefined, standings: new Map() };
    return result.kind;
  }

  /** Looks at an index whose image it has made, or found that it cannot be. */
  async lookAt(): Promise<void> {
    if (this.#work !== undefined) return;
    const index = this.#woken.shift();
    if (index !== undefined) await this.#claim(index);
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
    if (work === undefined || work.standings.size > 0) return;
    work.at = this.#stage.parts.pinned ? { revision: 'r0', checkedAt: work.claimedAt } : await this.#look();
  }

  async #look(): Promise<SeenAt> {
    const { parts, sourceKey, source, now, revision } = this.#stage;
    const known = await parts.sources.freshRevision(sourceKey, parts.freshMs);
    const last = source.looks.at(-1);
    const fresh = last !== undefined && now < last.at + parts.freshMs ? last : undefined;
    assert.deepEqual([known?.revision, known?.checkedAt], [fresh?.revision, fresh?.at], 'the look to go by');
    if (known === undefined) return { revision, checkedAt: await this.#stage.record(revision) };
    return { revision: known.revision, checkedAt: known.checkedAt };
  }

  async renew(): Promise<void> {
    if (this.#work !== undefined) await this.#writes.renew(this.#work);
  }

  /** Asks for the next image of an index: also where it lost its lease, which it does not know. */
  async ask(): Promise<void> {
    const work = this.#work;
    const image = work?.model.images.find(each => !work.standings.has(each));
    if (work?.at === undefined || image === undefined) return;
    const { key: index } = work.model.subject;
    const { by } = work;
    const { revision } = work.at;
    const { key, ...subject } = image.subject;
    const standing = await this.#stage.parts.images.askForIndex(key, { ...subject, by, index, revision });
    const { now } = this.#stage;
    const expected = image.askForIndex(index, by, revision, now);
    assert.deepEqual(JSON.parse(JSON.stringify(standing)), expected, 'how an image stands');
    work.standings.set(image, standing);
    if (standing.kind === 'under-way' && standing.hint)
      this.#stage.send({ look: 'image', of: image, topic: by });
  }

  /** The image is made, or found to be what would be made. */
  async finish(): Promise<void> {
    const work = this.#work;
    if (work?.at === undefined) return;
    const { model, current, at } = work;
    if (current?.revision === at.revision) {
      this.#work = undefined;
      await this.#writes.keep(work);
    } else if (model.images.length > 0) {
      for (const _ of model.images) await this.ask();
      this.#work = undefined;
      await this.#finishIndex(work, at);
    } else {
      this.#work = undefined;
      await this.#writes.publish(work, at, `${model.subject.key} made from ${at.revision}`);
    }
  }

  async #finishIndex(work: Work, at: SeenAt): Promise<void> {
    const standings = [...work.standings.values()];
    const failed = standings.flatMap(standing => (standing.kind === 'failed' ? [standing.failure] : []));
    const [failure] = failed;
    const tolerated = this.#stage.parts.indexes === 'partial' ? standings.length - 1 : 0;
    if (failure !== undefined && failed.length > tolerated) {
      await this.#writes.fail(work, failure, at.revision);
      return;
    }
    if (standings.some(({ kind }) => kind === 'under-way')) {
      await this.#writes.park(work, work.standings);
      return;
    }
    const digests = standings.flatMap(standing => (standing.kind === 'ready' ? [standing.digest] : []));
    assert.ok(digests.length > 0);
    await this.#writes.publish(work, at, `index of ${digests.join()}`);
  }

  /** Keeps what is served, whatever it is, and whether or not there is anything. */
  async keep(): Promise<void> {
    if (this.#work !== undefined) await this.#writes.keep(this.#work);
    this.#work = undefined;
  }

  async fail(kind: Failure['kind']): Promise<void> {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    const { now, source } = this.#stage;
    const failure = { kind, message: `${kind} at ${now}`, log: `${'.'.repeat(LOG_LIMIT)}end` };
    await this.#writes.fail(work, failure, kind === 'unknown_source' ? undefined : work.at?.revision);
    const failures = work.model.failuresWithin(HOUR_MS, now);
    const moves = source.movesWithin(HOUR_MS, now);
    assert.ok(
      failures <= 5 + moves,
      `${failures} builds failed in an hour with ${moves} moves of the source`,
    );
  }

  /** Gives its build back, after an error or because it stops, and with it the hint. */
  async release(error: string | undefined): Promise<void> {
    const work = this.#work;
    if (work === undefined) return;
    this.#work = undefined;
    await this.#writes.release(work, error);
    this.#stage.send({ look: 'image', of: work.model, topic: 'pull' });
  }

  /** It is gone without a word; its lease runs on. */
  vanish(): void {
    this.#work = undefined;
    this.#found = undefined;
    this.#woken = [];
  }

  /** A worker of the other settings takes its place. */
  replace(): void {
    this.vanish();
    this.settings = this.settings === SETTINGS ? OTHER_SETTINGS : SETTINGS;
  }

  /** Its lease was taken while it slept: it tries all that it could have written. */
  async haunt(): Promise<void> {
    const work = this.#work;
    if (work === undefined || work.model.isHeldBy(work.token)) return;
    await this.#writes.renew(work);
    await this.#writes.publish(work, { revision: 'of a ghost', checkedAt: this.#stage.now }, 'by a ghost');
    await this.#writes.keep(work);
    await this.#writes.fail(work, { kind: 'refused', message: 'of a ghost' }, 'of a ghost');
    await this.#writes.park(work, new Map());
    await this.#writes.release(work, 'of a ghost');
    await this.#writes.release(work, undefined);
  }
}
