// Clients, workers, messages and the real documents: plays one step after another, and holds all that comes of it to the
// model.
import assert from 'node:assert/strict';
import { LOG_LIMIT, type Failure } from '#core/failure.ts';
import type { Digest } from '#core/digest.ts';
import type { CurrentImage, Phase, Priority } from '#core/image-document.ts';
import { needsHint } from '#core/image-life.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import { settingsDigest, type SettingsDigest } from '#core/image-settings.ts';
import { decidePull, type Follow, type PullPolicy } from '#core/pull-decision.ts';
import { isFresh, sourceKey, type SourceKey } from '#core/source-document.ts';
import { LeaseLostError, type Images, type SeenImage } from '#core/google/images.ts';
import type { SeenSource, Sources } from '#core/google/sources.ts';
import { published } from '#test/published.ts';
import { summarise, type Answer } from './answer.ts';
import type { Clock } from './memory.ts';
import { Model } from './model.ts';
import type { Step } from './steps.ts';

const LEASE_SECONDS = 30;
const JANITOR_PATIENCE_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;

/** Before a deployment and after it. */
const OLD = settingsDigest({ layerBudget: 100 });
const NEW = settingsDigest({ layerBudget: 101 });

export interface WorldParts {
  readonly clock: Clock;
  readonly images: Images;
  readonly sources: Sources;
  readonly key: RequestKey;
  readonly request: ImageRequest;
  /** Whether the request names a commit. */
  readonly pinned: boolean;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly hasManifest: (digest: Digest) => Promise<boolean>;
  /** Has others write while the next transaction on the image is under way, where the documents can do that. */
  readonly interrupt: (others: () => Promise<void>) => void;
}

/** What a client has read and not acted on yet. */
interface Read {
  readonly image: SeenImage;
  readonly source: SeenSource;
  readonly writes: number;
  readonly sourceWrites: number;
  readonly looks: number;
  readonly answer: Answer;
}

interface Client {
  settings: SettingsDigest;
  readonly by: Priority;
  read: Read | undefined;
}

interface Work {
  readonly token: string;
  readonly claimedAt: number;
  readonly current: CurrentImage | undefined;
  at: { readonly revision: string; readonly checkedAt: number } | undefined;
}

interface Worker {
  settings: SettingsDigest;
  work: Work | undefined;
  /** Where it saw the source, and has not said so yet. */
  found: string | undefined;
}

interface Message {
  readonly look: 'image' | 'source';
  readonly topic: Priority;
}

/** Whether there was a build when it was read. */
function isUnderWay(read: Read | undefined): read is Read {
  const state = read?.image.document?.build.state;
  return state === 'queued' || state === 'building';
}

export class World {
  readonly #parts: WorldParts;
  readonly #sourceKey: SourceKey;
  readonly #model: Model;
  readonly #clients: readonly Client[];
  readonly #workers: readonly Worker[];
  readonly #messages: Message[] = [];
  /** Until when each worker may be at work, as far as the server knows. */
  readonly #leases = new Map<string, number>();
  readonly #revisionsThereWere: Set<string>;
  #revision: string;
  #tokens = 0;

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.#sourceKey = sourceKey(parts.request);
    this.#model = new Model(parts.request, parts.pinned);
    const client = (by: Priority): Client => ({ settings: OLD, by, read: undefined });
    this.#clients = [client('pull'), client('pull'), client('pull'), client('refresh')];
    this.#workers = Array.from({ length: 3 }, () => ({ settings: OLD, work: undefined, found: undefined }));
    this.#revision = 'r0';
    this.#revisionsThereWere = new Set([this.#revision]);
  }

  /** Plays a step, and compares the documents with the model. */
  async play(step: Step): Promise<void> {
    await this.#play(step);
    const { document } = await this.#parts.images.read(this.#parts.key);
    assert.deepEqual(document, this.#model.document(), 'the document is what it must be');
    if (document?.build.state === 'queued' || document?.build.state === 'building') {
      assert.ok(document.build.attempts >= 0 && document.build.attempts <= 5, 'at most five attempts');
    }
    if (document?.current !== undefined) {
      assert.ok(
        this.#revisionsThereWere.has(document.current.revision),
        'made from a revision that there was',
      );
    }
  }

  /**
   * Faults have stopped, and all messages and workers so far are lost. One worker lives, and either someone waits or the
   * janitor runs: the build comes to an end.
   */
  async end(who: 'client' | 'janitor'): Promise<void> {
    const [client, worker] = [this.#clientOf(0), this.#workerOf(0)];
    this.#messages.length = 0;
    for (const each of this.#workers) Object.assign(each, { work: undefined, found: undefined });
    worker.settings = who === 'client' ? client.settings : (this.#model.asked?.settings ?? OLD);
    // A lease of half a minute runs out; a source is looked at, and a build made.
    for (let round = 0; round < 6; round++) {
      if (who === 'janitor') {
        if (this.#model.asked === undefined) return;
        await this.play({ do: 'time passes', ms: JANITOR_PATIENCE_MS + 1 });
        await this.play({ do: 'sweep', lost: false });
      } else {
        await this.play({ do: 'pull', client: 0, lost: false });
        const { kind } = this.#model.answer(this.#policy(client), this.#parts.clock.now);
        if (kind === 'ready' || kind === 'failed') return;
        await this.play({ do: 'time passes', ms: 10_001 });
        await this.play({ do: 'wait', client: 0, lost: false });
      }
      for (let left = this.#messages.length; left > 0; left--) {
        await this.play({ do: 'take', worker: 0, message: 0, again: false });
        await this.play({ do: 'resolve', worker: 0 });
        await this.play({ do: 'finish', worker: 0 });
      }
    }
    assert.fail(`the ${who} waits for ever`);
  }

  async #play(step: Step): Promise<void> {
    switch (step.do) {
      case 'time passes':
        this.#parts.clock.now += step.ms;
        return;
      case 'the source moves':
        this.#revision = `r${step.to}`;
        this.#revisionsThereWere.add(this.#revision);
        return;
      case 'read':
        return this.#read(this.#clientOf(step.client));
      case 'act':
        return this.#act(this.#clientOf(step.client), step.lost);
      case 'pull':
        await this.#read(this.#clientOf(step.client));
        return this.#act(this.#clientOf(step.client), step.lost);
      case 'listen':
        return this.#listen(this.#clientOf(step.client));
      case 'queue unasked': {
        const client = this.#clientOf(step.client);
        if (isUnderWay(client.read)) await this.#queue(client, client.read, client.by, step.lost);
        return;
      }
      case 'raise unasked': {
        const { read } = this.#clientOf(step.client);
        if (read !== undefined) await this.#raise(read, step.lost);
        return;
      }
      case 'again and again':
        for (let time = 0; time < step.times; time++) for (const each of step.steps) await this.play(each);
        return;
      case 'wait':
        return this.#wakeWorkers(10_000, () => 'pull', step.lost);
      case 'sweep':
        return this.#wakeWorkers(JANITOR_PATIENCE_MS, by => by, step.lost);
      case 'other settings': {
        const client = this.#clientOf(step.client);
        client.read = undefined;
        client.settings = client.settings === OLD ? NEW : OLD;
        return;
      }
      case 'lose':
        this.#messages.splice(step.message, 1);
        return;
      case 'take':
        return this.#take(this.#workerOf(step.worker), step.message, step.again);
      case 'meanwhile':
        this.#parts.interrupt(() => this.play(step.others));
        await this.play(step.step);
        this.#parts.interrupt(async () => {});
        return;
      case 'fail':
        return this.#fail(this.#workerOf(step.worker), step.kind);
      case 'claim':
        await this.#claim(this.#workerOf(step.worker));
        return;
      default:
        return this.#work(this.#workerOf(step.worker), step.do);
    }
  }

  #clientOf(index: number): Client {
    const client = this.#clients[index];
    assert.ok(client);
    return client;
  }

  #workerOf(index: number): Worker {
    const worker = this.#workers[index];
    assert.ok(worker);
    return worker;
  }

  #policy({ settings }: Client): PullPolicy {
    const { freshMs, staleMs } = this.#parts;
    return { settings, freshMs, staleMs };
  }

  async #read(client: Client): Promise<void> {
    const { images, sources, key, clock } = this.#parts;
    const image = await images.read(key);
    const source = await sources.read(this.#sourceKey);
    const { writes, sourceWrites, looks } = this.#model;
    const answer = this.#model.answer(this.#policy(client), clock.now);
    client.read = { image, source, writes, sourceWrites, looks: looks.length, answer };
  }

  /** What functions/asking.ts does on a decision. */
  async #act(client: Client, lost: boolean): Promise<void> {
    if (client.read === undefined) return;
    const { image, source, answer } = client.read;
    const decision = decidePull(image.document, source.document, this.#policy(client), image.readTime);
    assert.deepEqual(summarise(decision), answer, 'the answer is what it must be');
    switch (decision.kind) {
      case 'ready':
      case 'failed':
        return this.#follow(client, client.read, decision.follow, lost);
      case 'pending':
        if (decision.raise && client.by === 'pull') await this.#raise(client.read, lost);
        return;
      case 'unasked':
        return this.#queue(client, client.read, client.by, lost);
    }
  }

  async #follow(client: Client, read: Read, follow: Follow, lost: boolean): Promise<void> {
    if (follow === 'refresh') return this.#queue(client, read, 'refresh', lost);
    if (follow === 'nothing') return;
    const { sources, request } = this.#parts;
    const asked = await sources.ask(this.#sourceKey, request, read.source);
    assert.equal(asked, this.#model.ask(read.sourceWrites, read.source.readTime), 'who asks for a look');
    if (asked) this.#send({ look: 'source', topic: 'refresh' }, lost);
  }

  async #queue({ settings }: Client, read: Read, by: Priority, lost: boolean): Promise<void> {
    const { images, key, request } = this.#parts;
    const queued = await images.queue(key, request, { by, settings }, read.image);
    assert.equal(queued, this.#model.queue(read.writes, by, settings, read.image.readTime), 'who queues');
    if (queued) this.#send({ look: 'image', topic: by }, lost);
  }

  async #raise(read: Read, lost: boolean): Promise<void> {
    const { images, key } = this.#parts;
    const raised = await images.raise(key, read.image);
    assert.equal(raised, this.#model.raise(read.writes), 'who raises');
    if (raised) this.#send({ look: 'image', topic: 'pull' }, lost);
  }

  /** One who waits is told the image's every state, and knows of the source what was known when the waiting began. */
  async #listen(client: Client): Promise<void> {
    if (client.read === undefined) return;
    const { images, key } = this.#parts;
    const { document, readTime } = await images.read(key);
    const policy = this.#policy(client);
    const decision = decidePull(document, client.read.source.document, policy, readTime);
    assert.deepEqual(
      summarise(decision),
      this.#model.answer(policy, readTime, client.read.looks),
      'what a listener is told',
    );
  }

  async #wakeWorkers(patienceMs: number, topic: (by: Priority) => Priority, lost: boolean): Promise<void> {
    const { images, key } = this.#parts;
    const { document, readTime } = await images.read(key);
    const needed = document !== undefined && needsHint(document.build, readTime, patienceMs);
    assert.equal(needed, this.#model.isLeftAlone(readTime, patienceMs), 'whether the hint is sent again');
    if (this.#model.asked !== undefined && needed) {
      this.#send({ look: 'image', topic: topic(this.#model.asked.by) }, lost);
    }
  }

  #send(message: Message, lost = false): void {
    if (!lost) this.#messages.push(message);
  }

  /** `again`: the message will be delivered once more. */
  async #take(worker: Worker, index: number, again: boolean): Promise<void> {
    const at = index % Math.max(1, this.#messages.length);
    const message = this.#messages[at];
    if (message === undefined) return;
    if (!again) this.#messages.splice(at, 1);
    if (message.look === 'image') {
      if ((await this.#claim(worker)) === 'declined') this.#send(message);
      return;
    }
    const { document, readTime } = await this.#parts.sources.read(this.#sourceKey);
    if (document === undefined || isFresh(document.resolved, readTime, this.#parts.freshMs)) return;
    await this.#record(this.#revision);
  }

  /** Claims, or, where it has something, claims that again: it did not hear the answer. */
  async #claim(worker: Worker): Promise<string> {
    const { images, key, clock } = this.#parts;
    const { settings } = worker;
    const token = worker.work?.token ?? `token-${(this.#tokens += 1)}`;
    const result = await images.claim(key, { token, durationSeconds: LEASE_SECONDS, settings });
    const wasHeld = this.#model.isHeldBy(token);
    const expected = this.#model.claim(token, LEASE_SECONDS, settings, clock.now);
    assert.equal(result.kind, expected, 'how a claim ends');
    if (result.kind !== 'claimed') return result.kind;
    assert.deepEqual(JSON.parse(JSON.stringify(result.document)), this.#model.document(), 'what is claimed');
    if (wasHeld) return result.kind;
    for (const [other, until] of this.#leases) assert.ok(until < clock.now, `${other} may still be at work`);
    this.#leases.set(token, clock.now + LEASE_SECONDS * 1000);
    worker.work = { token, claimedAt: clock.now, current: result.document.current, at: undefined };
    return result.kind;
  }

  async #work(
    worker: Worker,
    step: Exclude<Extract<Step, { worker: number }>['do'], 'fail' | 'claim' | 'take'>,
  ): Promise<void> {
    switch (step) {
      case 'find':
        worker.found = this.#revision;
        return;
      case 'record':
        if (worker.found === undefined || this.#parts.pinned) return;
        await this.#record(worker.found, worker.work);
        worker.found = undefined;
        return;
      case 'resolve':
        return this.#resolve(worker.work);
      case 'renew':
        return this.#renew(worker.work);
      case 'finish':
        return this.#finish(worker);
      case 'keep':
        if (worker.work !== undefined) await this.#keep(worker.work.token);
        worker.work = undefined;
        return;
      case 'release':
        return this.#release(worker, `no network at ${this.#parts.clock.now}`);
      case 'stop':
        return this.#release(worker, undefined);
      case 'haunt':
        return this.#haunt(worker.work);
      case 'vanish':
        this.#vanish(worker);
        return;
      case 'replace':
        this.#vanish(worker);
        worker.settings = worker.settings === OLD ? NEW : OLD;
    }
  }

  #vanish(worker: Worker): void {
    worker.work = undefined;
    worker.found = undefined;
  }

  async #record(revision: string, work?: Work): Promise<void> {
    const { sources, request, clock } = this.#parts;
    const { checkedAt } = await sources.record(this.#sourceKey, request, { revision, gitRef: undefined });
    this.#model.look(revision, clock.now);
    if (work !== undefined) work.at = { revision, checkedAt };
  }

  /** What worker/revisions.ts does. */
  async #resolve(work: Work | undefined): Promise<void> {
    if (work === undefined) return;
    const { sources, freshMs, pinned, clock } = this.#parts;
    if (pinned) {
      work.at = { revision: 'r0', checkedAt: work.claimedAt };
      return;
    }
    const known = await sources.freshRevision(this.#sourceKey, freshMs);
    const last = this.#model.looks.at(-1);
    const fresh = last !== undefined && clock.now < last.at + freshMs ? last : undefined;
    assert.deepEqual(
      known && { revision: known.revision, at: known.checkedAt },
      fresh,
      'which look is gone by',
    );
    if (known === undefined) await this.#record(this.#revision, work);
    else work.at = { revision: known.revision, checkedAt: known.checkedAt };
  }

  async #renew(work: Work | undefined): Promise<void> {
    if (work === undefined) return;
    const { images, key, clock } = this.#parts;
    const phase: Phase = { name: 'packing', done: clock.now % 10, of: 10 };
    await this.#write(
      work.token,
      () => images.renew(key, work.token, phase),
      () => {
        this.#model.renew(work.token, phase, clock.now);
        this.#leases.set(work.token, clock.now + LEASE_SECONDS * 1000);
      },
    );
  }

  async #finish(worker: Worker): Promise<void> {
    const { work, settings } = worker;
    if (work?.at === undefined) return;
    worker.work = undefined;
    const { token, current, at } = work;
    if (current?.revision === at.revision && current.settings === settings) return this.#keep(token);
    return this.#publish(token, at, `made from ${at.revision} under ${settings}`);
  }

  /** Where there is an image to keep. */
  async #keep(token: string): Promise<void> {
    const { images, key } = this.#parts;
    await this.#write(
      token,
      () => images.keep(key, token),
      () => {
        this.#model.keep(token);
        this.#leases.delete(token);
      },
      () => this.#model.served !== undefined,
    );
  }

  async #publish(token: string, at: { revision: string; checkedAt: number }, text: string): Promise<void> {
    const { images, key, clock, hasManifest } = this.#parts;
    const made = published(text, { revision: at.revision, checkedAt: at.checkedAt });
    const { digest } = made.manifest;
    const isThere = await hasManifest(digest);
    const written = await this.#end(
      token,
      () => images.publish(key, token, made),
      () => this.#model.publish(token, { ...at, digest }, clock.now),
    );
    assert.equal(await hasManifest(digest), isThere || written, 'a manifest comes with its image');
  }

  async #fail(worker: Worker, kind: Failure['kind']): Promise<void> {
    const { work } = worker;
    if (work === undefined) return;
    worker.work = undefined;
    await this.#failAs(work.token, kind, kind === 'unknown_source' ? undefined : work.at?.revision);
    const moves = this.#model.movesWithin(HOUR_MS, this.#parts.clock.now);
    const failures = this.#model.failuresWithin(HOUR_MS, this.#parts.clock.now);
    assert.ok(
      failures <= 5 + moves,
      `${failures} builds failed in an hour in which the source moved ${moves} times`,
    );
  }

  #failAs(token: string, kind: Failure['kind'], revision: string | undefined): Promise<boolean> {
    const { images, key, clock } = this.#parts;
    const failure = { kind, message: `${kind} at ${clock.now}`, log: `${'.'.repeat(LOG_LIMIT)}end` };
    const kept = { ...failure, log: `${'.'.repeat(LOG_LIMIT - 3)}end` };
    return this.#end(
      token,
      () => images.fail(key, token, failure, revision),
      () => this.#model.fail(token, kept, revision, clock.now),
    );
  }

  async #release(worker: Worker, error: string | undefined): Promise<void> {
    const { images, key, clock } = this.#parts;
    const { work } = worker;
    if (work === undefined) return;
    worker.work = undefined;
    await this.#end(
      work.token,
      () => images.release(key, work.token, error),
      () => this.#model.release(work.token, error, clock.now),
    );
    this.#send({ look: 'image', topic: 'pull' });
  }

  /** A worker whose lease was taken while it slept tries all that it could have written. */
  async #haunt(work: Work | undefined): Promise<void> {
    if (work === undefined || this.#model.isHeldBy(work.token)) return;
    const { token } = work;
    await this.#renew(work);
    await this.#publish(token, { revision: 'of a ghost', checkedAt: this.#parts.clock.now }, 'by a ghost');
    await this.#keep(token);
    await this.#failAs(token, 'refused', 'of a ghost');
    for (const error of ['of a ghost', undefined]) {
      await this.#end(
        token,
        () => this.#parts.images.release(this.#parts.key, token, error),
        () => {},
      );
    }
  }

  /** A write that ends a worker's work, come of it what may. */
  async #end(token: string, real: () => Promise<void>, ideal: () => void): Promise<boolean> {
    const written = await this.#write(token, real, ideal);
    this.#leases.delete(token);
    return written;
  }

  /** A write that is the holder's: done if, and only if, the token holds the build when it is written. */
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
    assert.equal(written, this.#model.isHeldBy(token) && mayBe(), 'who may write');
    if (written) ideal();
    return written;
  }
}
