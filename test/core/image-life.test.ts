import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { describePhase, type Build, type ImageDocument } from '#core/image-document.ts';
import {
  FAILURE_HOLD_MS,
  holdsLease,
  isClaimable,
  needsHint,
  pullView,
  UNCLAIMED_MS,
} from '#core/image-life.ts';

const T = 1_800_000_000_000;
const LEASE_SECONDS = 30;
const LEASE_MS = LEASE_SECONDS * 1000;

const none: Build = { state: 'none' };
const queued: Build = { state: 'queued', by: 'pull', queuedAt: T, attempts: 0 };
const building: Build = {
  state: 'building',
  by: 'refresh',
  lease: { token: 'mine', renewedAt: T, durationSeconds: LEASE_SECONDS },
  phase: { name: 'resolving' },
  attempts: 1,
};
const failed: Build = { state: 'failed', failure: { kind: 'refused', message: 'no' }, failedAt: T };

interface Row {
  readonly what: string;
  readonly build: Build;
  /** Milliseconds after the build's own time. */
  readonly after: number;
  /** What a pull finds where no image is there yet. */
  readonly pull: 'failed' | 'pending' | 'unasked';
  readonly claimable: boolean;
  readonly hint: boolean;
}

const table: readonly Row[] = [
  { what: 'none', build: none, after: 0, pull: 'unasked', claimable: false, hint: false },
  { what: 'none, long after', build: none, after: 1e9, pull: 'unasked', claimable: false, hint: false },
  { what: 'just queued', build: queued, after: 0, pull: 'pending', claimable: true, hint: false },
  { what: 'queued, patience not over', build: queued, after: UNCLAIMED_MS, pull: 'pending', claimable: true, hint: false },
  { what: 'queued, patience over', build: queued, after: UNCLAIMED_MS + 1, pull: 'pending', claimable: true, hint: true },
  { what: 'building', build: building, after: 0, pull: 'pending', claimable: false, hint: false },
  { what: 'building, lease at its end', build: building, after: LEASE_MS, pull: 'pending', claimable: false, hint: false },
  { what: 'building, lease over', build: building, after: LEASE_MS + 1, pull: 'pending', claimable: true, hint: true },
  { what: 'building, seen before its renewal', build: building, after: -5_000, pull: 'pending', claimable: false, hint: false },
  { what: 'just failed', build: failed, after: 0, pull: 'failed', claimable: false, hint: false },
  { what: 'failed, hold not over', build: failed, after: FAILURE_HOLD_MS - 1, pull: 'failed', claimable: false, hint: false },
  { what: 'failed, hold over', build: failed, after: FAILURE_HOLD_MS, pull: 'unasked', claimable: false, hint: false },
]; // prettier-ignore

const request: ImageDocument['request'] = {
  packages: ['hello'],
  platform: 'linux/amd64',
  source: { kind: 'debian' },
  ref: 'latest',
};
const current = { digest: digestOf('manifest'), revision: 'r1', builtAt: T };

describe('image life', () => {
  test('no document is one that nobody asked for', () => {
    assert.deepEqual(pullView(undefined, T), { kind: 'unasked' });
  });

  for (const { what, build, after, pull, claimable, hint } of table) {
    test(what, () => {
      const now = T + after;
      const view = pullView({ request, build }, now);
      assert.equal(view.kind, pull);
      if (view.kind === 'failed' || view.kind === 'pending') assert.equal(view.build, build);
      assert.equal(isClaimable(build, now), claimable, 'claimable');
      assert.equal(needsHint(build, now), hint, 'hint');
    });

    test(`${what}, with an image: it is served`, () => {
      assert.deepEqual(pullView({ request, build, current }, T + after), { kind: 'ready', image: current });
    });
  }

  test('patience with a queue is the caller’s, with a lease its own', () => {
    assert.equal(needsHint(queued, T + UNCLAIMED_MS + 1, 60_000), false);
    assert.equal(needsHint(queued, T + 60_001, 60_000), true);
    assert.equal(needsHint(building, T + LEASE_MS + 1, 60_000), true);
  });

  test('a lease is held by its token, only while building, even when it is over and nobody took it', () => {
    assert.equal(holdsLease(building, 'mine'), true);
    assert.equal(holdsLease(building, 'yours'), false);
    for (const build of [none, queued, failed]) assert.equal(holdsLease(build, 'mine'), false, build.state);
  });

  test('phases read well', () => {
    assert.equal(describePhase({ name: 'resolving' }), 'resolving');
    assert.equal(describePhase({ name: 'building', done: 3, of: 17 }), 'building 3/17');
    assert.equal(describePhase({ name: 'packing', of: 9 }), 'packing 0/9');
  });
});
