// What must be true of one image and its source, whatever happens: kept beside the real documents, and written down from
// the rules (what a pull is answered, who may write) and not from the code.
import type { Failure } from '#core/failure.ts';
import type { ImageDocument, Phase, Priority } from '#core/image-document.ts';
import type { ImageRequest } from '#core/image-request.ts';
import type { SettingsDigest } from '#core/image-settings.ts';
import type { PullPolicy } from '#core/pull-decision.ts';
import type { SourceDocument } from '#core/source-document.ts';
import type { Answer } from './answer.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The source was seen at a revision. */
export interface Look {
  readonly at: number;
  readonly revision: string;
}

interface Asked {
  readonly settings: SettingsDigest;
  by: Priority;
  queuedAt: number;
  attempts: number;
  lastError: string | undefined;
  lease: { readonly token: string; readonly seconds: number; renewedAt: number; phase: Phase } | undefined;
}

interface Failed {
  readonly failure: Failure;
  readonly at: number;
  readonly settings: SettingsDigest;
  readonly revision: string | undefined;
}

interface Served {
  readonly digest: string;
  readonly revision: string;
  readonly checkedAt: number;
  readonly builtAt: number;
  readonly settings: SettingsDigest;
}

export class Model {
  /** How often the image's document was written, and the source's. */
  writes = 0;
  sourceWrites = 0;
  asked: Asked | undefined;
  failed: Failed | undefined;
  served: Served | undefined;
  failures: number[] = [];
  looks: Look[] = [];
  /** When a worker was asked to look at the source, with no answer since. */
  lookAskedAt: number | undefined;
  readonly request: ImageRequest;
  readonly pinned: boolean;

  constructor(request: ImageRequest, pinned: boolean) {
    this.request = request;
    this.pinned = pinned;
  }

  /** Of a build that is under way: whether any worker may take it. */
  isFree(now: number): boolean {
    const lease = this.asked?.lease;
    return this.asked !== undefined && (lease === undefined || now > lease.renewedAt + lease.seconds * 1000);
  }

  /** Whether whoever waits should wake the workers. */
  isLeftAlone(now: number, patience: number): boolean {
    if (this.asked === undefined || !this.isFree(now)) return false;
    return this.asked.lease !== undefined || now > this.asked.queuedAt + patience;
  }

  #isUnderWay(settings: SettingsDigest, now: number): boolean {
    return this.asked !== undefined && (this.asked.settings === settings || !this.isLeftAlone(now, 10_000));
  }

  queue(writes: number, by: Priority, settings: SettingsDigest, now: number): boolean {
    if (writes !== this.writes || this.#isUnderWay(settings, now)) return false;
    const left = this.asked;
    this.asked = {
      settings,
      by: left?.by === 'pull' ? 'pull' : by,
      queuedAt: now,
      attempts: left?.attempts ?? 0,
      lastError: left?.lastError,
      lease: undefined,
    };
    this.failed = undefined;
    this.writes += 1;
    return true;
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
    if (asked.settings !== settings) return 'declined';
    if (asked.attempts === 5) {
      const why = asked.lastError ?? 'every worker that took it vanished';
      this.#end(asked, { kind: 'gave_up', message: `gave up after 5 attempts: ${why}` }, undefined, now);
      return 'given-up';
    }
    asked.attempts += 1;
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
    const { settings } = this.#held(token);
    this.served = { ...made, settings, builtAt: now };
    this.asked = undefined;
  }

  keep(token: string): void {
    this.#held(token);
    this.asked = undefined;
  }

  fail(token: string, failure: Failure, revision: string | undefined, now: number): void {
    this.#end(this.#held(token), failure, revision, now);
    this.writes -= 1;
  }

  #end({ settings }: Asked, failure: Failure, revision: string | undefined, at: number): void {
    this.failed = { failure, revision, settings, at };
    if (isRefusal(failure)) this.served = undefined;
    this.asked = undefined;
    this.failures.push(at);
    this.writes += 1;
  }

  ask(sourceWrites: number, now: number): boolean {
    if (this.lookAskedAt !== undefined && now <= this.lookAskedAt + MINUTE) return false;
    if (sourceWrites !== this.sourceWrites) return false;
    this.lookAskedAt = now;
    this.sourceWrites += 1;
    return true;
  }

  look(revision: string, at: number): void {
    const last = this.looks.at(-1);
    // What changes nothing is no write.
    const isKnown = this.lookAskedAt === undefined && last?.revision === revision && last.at === at;
    if (!isKnown) this.sourceWrites += 1;
    this.looks.push({ revision, at });
    this.lookAskedAt = undefined;
  }

  /** What a pull must be answered now by one who knows of the source what was known after so many looks. */
  answer(policy: PullPolicy, now: number, looksKnown = this.looks.length): Answer {
    if (this.writes === 0) return { kind: 'unasked' };
    const { served, failed, asked } = this;
    const looks = this.pinned ? [] : this.looks.slice(0, looksKnown);
    if (served !== undefined && served.checkedAt > (looks.at(-1)?.at ?? -1)) {
      looks.push({ at: served.checkedAt, revision: served.revision });
    }
    const last = looks.at(-1);
    const toCheck = !this.pinned && (last === undefined || now >= last.at + policy.freshMs);
    const failureHolds = failed !== undefined && this.#holds(failed, last, policy, now);
    const underWay = this.#isUnderWay(policy.settings, now);
    if (
      served !== undefined &&
      last !== undefined &&
      (this.pinned ||
        now < served.builtAt + policy.staleMs ||
        now < staleSince(served, looks, last, policy) + policy.staleMs)
    ) {
      const upToDate = served.revision === last.revision && served.settings === policy.settings;
      const follow = toCheck ? 'check-source' : upToDate || underWay || failureHolds ? 'nothing' : 'refresh';
      return { kind: 'ready', digest: served.digest, follow };
    }
    if (asked !== undefined && underWay) return { kind: 'pending', raise: asked.by === 'refresh' };
    if (failed !== undefined && failureHolds) {
      return { kind: 'failed', failure: failed.failure, follow: toCheck ? 'check-source' : 'nothing' };
    }
    return { kind: 'unasked' };
  }

  #holds(failed: Failed, last: Look | undefined, { settings }: PullPolicy, now: number): boolean {
    const ofRevision = isRefusal(failed.failure) && failed.revision !== undefined;
    if (ofRevision && last !== undefined && last.revision !== failed.revision) return false;
    const inTime = ofRevision || now < failed.at + MINUTE;
    if (failed.settings === settings && inTime) return true;
    return this.failuresWithin(HOUR, now) >= 5;
  }

  failuresWithin(span: number, now: number): number {
    return this.failures.filter(at => now < at + span).length;
  }

  /** How often the source was seen somewhere else than before. */
  movesWithin(span: number, now: number): number {
    return this.looks.filter(
      ({ at, revision }, i) => revision !== this.looks[i - 1]?.revision && now < at + span,
    ).length;
  }

  /** The source's document, as it must be. */
  sourceDocument(): SourceDocument | undefined {
    if (this.sourceWrites === 0) return undefined;
    const { source, ref } = this.request;
    const last = this.looks.at(-1);
    const moves = this.looks.filter(({ revision }, i) => i > 0 && this.looks[i - 1]?.revision !== revision);
    const left = moves.map(move => {
      const before = this.looks[this.looks.indexOf(move) - 1];
      return { revision: before?.revision, leftAt: move.at };
    });
    const earlier = left.toReversed().slice(0, 60);
    const resolved = last && { revision: last.revision, checkedAt: last.at, earlier };
    const document = { source, ref, resolved, askedAt: this.lookAskedAt };
    return JSON.parse(JSON.stringify(document)) as SourceDocument;
  }

  /** The image's document, as it must be. */
  document(): ImageDocument | undefined {
    if (this.writes === 0) return undefined;
    const { request, served, asked, failed, failures } = this;
    const document = {
      request,
      current: served,
      build:
        asked === undefined
          ? failed === undefined
            ? { state: 'none' }
            : ended(failed)
          : underWayBuild(asked),
      failuresAt: failures.length === 0 ? undefined : failures.slice(-5),
    };
    return JSON.parse(JSON.stringify(document)) as ImageDocument;
  }
}

function isRefusal({ kind }: Failure): boolean {
  return kind === 'refused' || kind === 'unknown_package';
}

/** Since when an image is stale, or may be. */
function staleSince(served: Served, looks: readonly Look[], last: Look, { freshMs }: PullPolicy): number {
  if (served.revision === last.revision) return last.at + freshMs;
  const lastThere = looks.findLastIndex(({ revision }) => revision === served.revision);
  return looks[lastThere + 1]?.at ?? last.at;
}

function underWayBuild({ by, settings, attempts, lastError, queuedAt, lease }: Asked): object {
  const common = { by, settings, attempts, lastError };
  if (lease === undefined) return { state: 'queued', queuedAt, ...common };
  const { token, renewedAt, seconds, phase } = lease;
  return { state: 'building', lease: { token, renewedAt, durationSeconds: seconds }, phase, ...common };
}

function ended({ failure, at, settings, revision }: Failed): object {
  return { state: 'failed', failure, failedAt: at, settings, revision };
}
