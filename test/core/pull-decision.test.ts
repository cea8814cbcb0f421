import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Failure } from '#core/failure.ts';
import type { FailedBuild, ImageDocument } from '#core/image-document.ts';
import { HOUR_MS } from '#core/image-life.ts';
import { decidePull, FAILURE_HOLD_MS, type PullDecision, type PullPolicy } from '#core/pull-decision.ts';
import type { ResolvedRevision, SourceDocument } from '#core/source-document.ts';
import { SETTINGS } from './deployment.ts';
import { building, current, failed, imageOf, none, queued, request, T, waiting } from './life-of-hello.ts';

const FRESH_MS = 6 * HOUR_MS;
const STALE_MS = 24 * HOUR_MS;
const policy: PullPolicy = { settings: SETTINGS, freshMs: FRESH_MS, staleMs: STALE_MS };

/** The source as it was seen last. */
function seen(
  revision: string,
  checkedAt: number,
  earlier: ResolvedRevision['earlier'] = [],
): SourceDocument {
  const { source, ref } = request;
  return { source, ref, resolved: { revision, checkedAt, earlier } };
}

const served = imageOf(none, { current });
const refresh = (build: ImageDocument['build'], more = {}) =>
  imageOf(build, { current: { ...current, ...more } });
const ready = (follow: string) => ({ kind: 'ready', follow });
const UNASKED = { kind: 'unasked' };
const WAIT = { kind: 'pending', raise: false };
const RAISE = { kind: 'pending', raise: true };
const FAILED = { kind: 'failed', follow: 'nothing' };

/** A decision, without the part of the document that it hands on: that is looked at apart. */
function short(decision: PullDecision, document: ImageDocument | undefined): object {
  switch (decision.kind) {
    case 'ready':
      assert.equal(decision.image, document?.current);
      return { kind: 'ready', follow: decision.follow };
    case 'failed':
    case 'pending': {
      const { build, ...rest } = decision;
      assert.equal(build, document?.build);
      return rest;
    }
    case 'unasked':
      return decision;
  }
}

interface Row {
  readonly what: string;
  readonly image: ImageDocument | undefined;
  readonly source?: SourceDocument | undefined;
  readonly after?: number;
  readonly is: object;
}

function all(rows: readonly Row[]): void {
  for (const { what, image, source, after = 0, is } of rows) {
    test(what, () => {
      assert.deepEqual(short(decidePull(image, source, policy, T + after), image), is);
    });
  }
}

describe('an image that is there', () => {
  const moved = seen('r2', T + 1, [{ revision: 'r1', leftAt: T + 1 }]);
  const old = { builtAt: T - 9 * STALE_MS, checkedAt: T - 9 * STALE_MS };
  /** It was left for r2 just now, or a while ago, and the source is somewhere else again. */
  const movedOn = seen('r3', T + STALE_MS, [
    { revision: 'r2', leftAt: T + STALE_MS },
    { revision: 'r1', leftAt: T },
  ]);
  all([
    { what: 'is served while it is fresh', image: served, source: seen('r1', T), is: ready('nothing') },
    { what: 'is fresh by its own look where the source’s is not at hand', image: served, is: ready('nothing') },
    { what: 'is fresh by its own look where that was later', image: served, source: seen('r0', T - 1), is: ready('nothing') },
    { what: 'is fresh until its source’s last look is old', image: served, source: seen('r1', T), after: FRESH_MS - 1, is: ready('nothing') },
    { what: 'is served when that look is old, and the source looked at', image: served, source: seen('r1', T), after: FRESH_MS, is: ready('check-source') },
    { what: 'is served when the source has moved, and made anew', image: served, source: moved, after: 2, is: ready('refresh') },
    { what: 'that is made anew already is just served', image: refresh(queued()), source: moved, after: 2, is: ready('nothing') },
    { what: 'whose images are made anew is just served', image: refresh(waiting()), source: moved, after: 2, is: ready('nothing') },
    { what: 'that a worker makes anew is just served', image: refresh(building()), source: moved, after: 2, is: ready('nothing') },
    { what: 'that cannot be made anew for now is just served', image: refresh(failed('build_failed')), source: moved, after: 2, is: ready('nothing') },
    { what: 'that could not be made anew a while ago is tried again', image: refresh(failed('build_failed')), source: moved, after: FAILURE_HOLD_MS, is: ready('refresh') },
    { what: 'is served until the maximum age', image: refresh(none, old), source: moved, after: STALE_MS, is: ready('check-source') },
    { what: 'is not served beyond the maximum age', image: refresh(none, old), source: moved, after: STALE_MS + 1, is: UNASKED },
    { what: 'is not served beyond it because the source moves on and on', image: refresh(none, old), source: movedOn, after: STALE_MS, is: UNASKED },
    { what: 'is not served beyond it where the source cannot be looked at', image: refresh(none, old), source: seen('r1', T), after: FRESH_MS + STALE_MS, is: UNASKED },
    { what: 'is served before, where the source cannot be looked at', image: refresh(none, old), source: seen('r1', T), after: FRESH_MS + STALE_MS - 1, is: ready('check-source') },
    { what: 'is served for as long after it was made, wherever the source went', image: refresh(none, { ...old, builtAt: T + 2 }), source: moved, after: STALE_MS + 1, is: ready('check-source') },
    { what: 'is not served for longer', image: refresh(none, { ...old, builtAt: T + 2 }), source: moved, after: STALE_MS + 2, is: UNASKED },
    { what: 'from a revision that nobody remembers is not served', image: refresh(none, old), source: seen('r9', T), is: UNASKED },
    { what: 'from a revision that nobody remembers is served a while after it was made', image: refresh(none, { builtAt: T }), source: seen('r9', T + 1), after: STALE_MS - 1, is: ready('check-source') },
    { what: 'that is too old is waited for while it is made anew', image: refresh(building(), old), source: movedOn, after: STALE_MS, is: WAIT },
    { what: 'that is too old gives way to the failure', image: refresh(failed('build_failed', { failedAt: T + STALE_MS }), old), source: movedOn, after: STALE_MS, is: FAILED },
  ]); // prettier-ignore
});

describe('an image that names a commit', () => {
  const commit = { ...request, source: { kind: 'channel', name: 'c'.repeat(40) } } as const;
  const pinned = (more: Partial<ImageDocument>) => ({ ...served, request: commit, ...more });
  const long = 100 * STALE_MS;
  all([
    { what: 'is served for good', image: pinned({}), after: long, is: ready('nothing') },
    { what: 'is refused for good', image: pinned({ current: undefined, build: failed('refused') }), after: long, is: FAILED },
    { what: 'is tried again after a failure that is none of the package set', image: pinned({ current: undefined, build: failed('build_failed') }), after: long, is: UNASKED },
  ]); // prettier-ignore
});

describe('an image that is not there', () => {
  const here = seen('r1', T);
  all([
    { what: 'is asked for', image: undefined, is: UNASKED },
    { what: 'is asked for where a build left nothing', image: imageOf(none), source: here, is: UNASKED },
    { what: 'is waited for while it is queued', image: imageOf(queued()), source: here, is: WAIT },
    { what: 'is waited for while it is built', image: imageOf(building()), source: here, is: WAIT },
    { what: 'is waited for while its images are built', image: imageOf(waiting()), source: here, is: WAIT },
    { what: 'that nobody waited for is raised while its images are built', image: imageOf(waiting({ by: 'refresh' })), is: RAISE },
    { what: 'that nobody waited for is raised in the queue', image: imageOf(queued({ by: 'refresh' })), is: RAISE },
    { what: 'that nobody waited for is raised at its worker', image: imageOf(building({ by: 'refresh' })), is: RAISE },
    { what: 'is waited for however long', image: imageOf(queued()), after: 1e9, is: WAIT },
  ]); // prettier-ignore
});

describe('a refusal', () => {
  for (const kind of ['refused', 'unknown_package'] as const) {
    const image = imageOf(failed(kind));
    all([
      { what: `${kind} holds while the source is there`, image, source: seen('r1', T), after: FRESH_MS - 1, is: FAILED },
      { what: `${kind} holds, and the source is looked at`, image, source: seen('r1', T), after: FRESH_MS, is: { kind: 'failed', follow: 'check-source' } },
      { what: `${kind} ends when the source moves`, image, source: seen('r2', T), is: UNASKED },
      { what: `${kind} ends when the source moves, however many there were`, image: { ...image, failuresAt: [T, T, T, T, T] }, source: seen('r2', T), is: UNASKED },
      { what: `${kind} without a revision holds a while`, image: imageOf(failed(kind, { revision: undefined })), source: seen('r1', T), after: FAILURE_HOLD_MS - 1, is: FAILED },
      { what: `${kind} without a revision holds no longer`, image: imageOf(failed(kind, { revision: undefined })), source: seen('r1', T), after: FAILURE_HOLD_MS, is: UNASKED },
    ]); // prettier-ignore
  }
});

describe('a failure', () => {
  const kinds: readonly Failure['kind'][] = ['build_failed', 'unknown_source', 'gave_up'];
  const five = { failuresAt: [T - HOUR_MS + 60_001, T - 3, T - 2, T - 1, T] };
  for (const kind of kinds) {
    const image = (more: Partial<FailedBuild> = {}) => imageOf(failed(kind, more));
    const source = seen('r1', T);
    all([
      { what: `${kind} holds a minute`, image: image(), source, after: FAILURE_HOLD_MS - 1, is: FAILED },
      { what: `${kind} holds no longer`, image: image(), source, after: FAILURE_HOLD_MS, is: UNASKED },
      { what: `${kind} holds wherever the source goes`, image: image(), source: seen('r2', T), is: FAILED },
      { what: `${kind} holds when it was the fifth of an hour`, image: { ...image(), ...five }, source, after: 60_000, is: FAILED },
      { what: `${kind} holds until the hour of five is over`, image: { ...image(), ...five }, source, after: 60_001, is: UNASKED },
    ]); // prettier-ignore
  }
});
