// What must be true of one image, whatever happens: kept beside the real documents, and written down from the rules (what
// a pull is answered, who may write) and not from the code.
import type { Failure } from '#core/failure.ts';
import type { ImageDocument, Phase, Priority } from '#core/image-document.ts';
import type { ImageRequest, RequestKey } from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import type { PullPolicy } from '#core/pull-decision.ts';
import type { Answer } from './answer.ts';
import { staleSince, type SourceModel } from './source-model.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Asked {
  by: Priority;
  queuedAt: number;
  /** Of an index: since when it waits for its images. */
  parkedAt: number | undefined;
  attempts: number;
  lastError: string | undefined;
  lease: { readonly token: string; readonly seconds: number; renewedAt: number; phase: Phase } | undefined;
  /** Who waits for it, in the order in which they asked. */
  indexes: RequestKey[];
}

interface Failed {
  readonly failure: Failure;
  readonly at: number;
  readonly revision: string | undefined;
}

interface Served {
  readonly digest: string;
  readonly revision: string;
  readonly checkedAt: number;
  readonly builtAt: number;
}

export interface Subject {
  readonly key: RequestKey;
  readonly request: ImageRequest;
  readonly settings: SettingsDigest;
  /** Whether the request names a commit. */
  readonly pinned: boolean;
}

export class Model {
  readonly subject: Subject;
  /** Of an index: its images. */
  readonly images: readonly Model[];
  /** The index that it is an image of, if any. */
  index: Model | undefined;
  /** How often the document was written. */
  writes = 0;
  asked: Asked | undefined;
  failed: Failed | undefined;
  served: Served | undefined;
  failures: number[] = [];
  usedAt: number | undefined;
  recentUses: number | undefined;
  readonly #source: SourceModel;

  constructor(subject: Subject, source: SourceModel, images: readonly Model[]) {
    this.subject = subject;
    this.#source = source;
    this.images = images;
    for (const image of images) image.index = this;
  }

  /** Of a build that is under way: whether any worker may take it. */
  isFree(now: number): boolean {
    const lease = this.asked?.lease;
    return this.asked !== undefined && (lease === undefined || now > lease.renewedAt + lease.seconds * 1000);
  }

  /** Of a build that waits for nobody but a worker: whether whoever waits should wake one. */
  #isLeftAlone(now: number, patience: number): boolean {
    if (this.asked === undefined || this.asked.parkedAt !== undefined || !this.isFree(now)) return false;
    return this.asked.lease !== undefined || now > this.asked.queuedAt + patience;
  }

  /** Whom whoever waits should wake: workers of this build, or of the images that it waits for, or both. */
  leftAlone(now: number, patience: number): Model[] {
    const { asked, images } = this;
    if (asked?.parkedAt === undefined) return this.#isLeftAlone(now, patience) ? [this] : [];
    if (now <= asked.parkedAt + patience) return [];
    const left = images.filter(image => image.#isLeftAlone(now, patience));
    return this.#mayWait(asked) ? left : [...left, this];
  }

  /** An index may wait for images that will wake it, and that are as urgent as it is. */
  #mayWait({ by }: Asked, images = this.images): boolean {
    const builds = images.flatMap(({ asked }) => asked ?? []);
    const waking = builds.filter(({ indexes }) => indexes.includes(this.subject.key));
    return waking.length > 0 && !(by === 'pull' && waking.some(build => build.by === 'refresh'));
  }

  queue(writes: number, by: Priority, now: number): boolean {
    if (writes !== this.writes || this.asked !== undefined) return false;
    this.#begin(by, now);
    this.writes += 1;
    return true;
  }

  #begin(by: Priority, now: number): Asked {
    this.failed = undefined;
    this.asked = {
      by,
      queuedAt: now,
      parkedAt: undefined,
      attempts: 0,
      lastError: undefined,
      lease: undefined,
      indexes: [],
    };
    return this.asked;
  }

  raise(writes: number): boolean {
    if (writes !== this.writes || this.asked?.by !== 'refresh') return false;
    this.asked.by = 'pull';
    this.writes += 1;
    return true;
  }

  claim(token: string, seconds: number, settings: SettingsDigest, now: number): string {
    const { asked } = this;
    if (this.isHeldBy(token)) return 'claimed';
    if (asked === undefined || !this.isFree(now)) return 'nothing-to-do';
    if (settings !== this.subject.settings) return 'declined';
    if (asked.attempts === 5) {
      const why = asked.lastError ?? 'every worker that took it vanished';
      this.#end({ kind: 'gave_up', message: `gave up after 5 attempts: ${why}` }, undefined, now);
      return 'given-up';
    }
    asked.attempts += 1;
    asked.parkedAt = undefined;
    asked.lease = { token, seconds, renewedAt: now, phase: { name: 'resolving' } };
    this.writes += 1;
    return 'claimed';
  }

  isHeldBy(token: string): boolean {
    return this.asked?.lease?.token === token;
  }

  /** The build, for what only its holder does. */
  #held(token: string): Asked {
    if (this.asked === undefined || !this.isHeldBy(token)) throw new Error(`${token} holds nothing`);
    this.writes += 1;
    return this.asked;
  }

  renew(token: string, phase: Phase, now: number): void {
    const { lease } = this.#held(token);
    if (lease === undefined) return;
    // What changes nothing is no write.
    if (lease.renewedAt === now && JSON.stringify(lease.phase) === JSON.stringify(phase)) this.writes -= 1;
    Object.assign(lease, { phase, renewedAt: now });
  }

  release(token: string, error: string | undefined, now: number): void {
    const asked = this.#held(token);
    if (error === undefined) asked.attempts -= 1;
    else asked.lastError = error;
    asked.queuedAt = now;
    asked.lease = undefined;
  }

  publish(token: string, made: Pick<Served, 'digest' | 'revision' | 'checkedAt'>, now: number): void {
    // Who waited for it has pulled it.
    if (this.#held(token).by === 'pull') {
      const age = now - (this.usedAt ?? now);
      this.recentUses = (this.recentUses ?? 0) * 2 ** (-age / (72 * 3_600_000)) + 1;
      this.usedAt = now;
    }
    this.served = { ...made, builtAt: now };
    this.asked = undefined;
  }

  keep(token: string): void {
    this.#held(token);
    this.asked = undefined;
  }

  fail(token: string, failure: Failure, revision: string | undefined, now: number): void {
    this.#held(token);
    this.#end(failure, revision, now);
    this.writes -= 1;
  }

  #end(failure: Failure, revision: string | undefined, at: number): void {
    this.failed = { failure, revision, at };
    if (isRefusal(failure)) this.served = undefined;
    this.asked = undefined;
    this.failures.push(at);
    this.writes += 1;
  }

  /** An index asks for this image. */
  askForIndex(index: RequestKey, by: Priority, revision: string, now: number): object {
    const { served, failed } = this;
    if (served?.revision === revision) return { kind: 'ready', digest: served.digest };
    if (failed !== undefined && this.#holds(failed, revision, now)) {
      return { kind: 'failed', failure: failed.failure };
    }
    const queued = this.asked === undefined;
    const asked = this.asked ?? this.#begin(by, now);
    const raised = by === 'pull' && asked.by === 'refresh';
    const joined = !asked.indexes.includes(index);
    if (raised) asked.by = 'pull';
    if (joined) asked.indexes.push(index);
    if (queued || raised || joined) this.writes += 1;
    const hint = queued || raised || this.#isLeftAlone(now, 10_000);
    return { kind: 'under-way', build: this.document()?.build, queued, hint };
  }

  /** The worker that holds this index leaves it to its images: whether it waits for them, or must be looked at again. */
  park(token: string, awaited: readonly Model[], missing: string | undefined, now: number): boolean {
    const asked = this.#held(token);
    const waits = this.#mayWait(asked, awaited);
    if (missing === undefined) asked.attempts -= 1;
    else asked.lastError = missing;
    asked.lease = undefined;
    if (waits) asked.parkedAt = now;
    else asked.queuedAt = now;
    return waits;
  }

  /** What a pull must be answered now by one who knows of the source what was known after so many looks. */
  answer(policy: PullPolicy, now: number, looksKnown = this.#source.looks.length): Answer {
    if (this.writes === 0) return { kind: 'unasked' };
    const { served, failed, asked } = this;
    const { pinned } = this.subject;
    const looks = pinned ? [] : this.#source.looks.slice(0, looksKnown);
    if (served !== undefined && served.checkedAt > (looks.at(-1)?.at ?? -1)) {
      looks.push({ at: served.checkedAt, revision: served.revision });
    }
    const last = looks.at(-1);
    const toCheck = !pinned && (last === undefined || now >= last.at + policy.freshMs);
    const failureHolds = failed !== undefined && this.#holds(failed, last?.revision, now);
    if (
      served !== undefined &&
      last !== undefined &&
      (pinned ||
        now < served.builtAt + policy.staleMs ||
        now < staleSince(served.revision, looks, last, policy) + policy.staleMs)
    ) {
      const upToDate = served.revision === last.revision;
      const busy = upToDate || asked !== undefined || failureHolds;
      const follow = toCheck ? 'check-source' : busy ? 'nothing' : 'refresh';
      return { kind: 'ready', digest: served.digest, follow };
    }
    if (asked !== undefined) return { kind: 'pending', raise: asked.by === 'refresh' };
    if (failed !== undefined && failureHolds) {
      return { kind: 'failed', failure: failed.failure, follow: toCheck ? 'check-source' : 'nothing' };
    }
    return { kind: 'unasked' };
  }

  /** Whether a failure is the answer, the source having been seen last at a revision. */
  #holds({ failure, revision, at }: Failed, seenAt: string | undefined, now: number): boolean {
    const ofRevision = isRefusal(failure) && revision !== undefined;
    if (ofRevision && seenAt !== undefined && seenAt !== revision) return false;
    return ofRevision || now < at + MINUTE || this.failuresWithin(HOUR, now) >= 5;
  }

  failuresWithin(span: number, now: number): number {
    return this.failures.filter(at => now < at + span).length;
  }

  /** The document, as it must be. */
  document(): ImageDocument | undefined {
    if (this.writes === 0) return undefined;
    const { subject, served, asked, failed, failures } = this;
    const document = {
      request: subject.request,
      settings: subject.settings,
      current: served,
      build:
        asked === undefined
          ? failed === undefined
            ? { state: 'none' }
            : { state: 'failed', failure: failed.failure, failedAt: failed.at, revision: failed.revision }
          : underWayBuild(asked),
      failuresAt: failures.length === 0 ? undefined : failures.slice(-5),
      indexes: asked === undefined || asked.indexes.length === 0 ? undefined : asked.indexes,
      usedAt: this.usedAt,
      recentUses: this.recentUses,
    };
    return JSON.parse(JSON.stringify(document)) as ImageDocument;
  }
}

function isRefusal({ kind }: Failure): boolean {
  return kind === 'refused' || kind === 'unknown_package';
}

function underWayBuild({ by, attempts, lastError, queuedAt, parkedAt, lease }: Asked): object {
  const common = { by, attempts, lastError };
  if (lease !== undefined) {
    const { token, renewedAt, seconds, phase } = lease;
    return { state: 'building', lease: { token, renewedAt, durationSeconds: seconds }, phase, ...common };
  }
  return parkedAt === undefined
    ? { state: 'queued', queuedAt, ...common }
    : { state: 'waiting', parkedAt, ...common };
}
