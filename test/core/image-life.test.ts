import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOf } from '#core/digest.ts';
import { LOG_LIMIT } from '#core/failure.ts';
import {
  describePhase,
  imageDocumentSchema,
  type Build,
  type ImageDocument,
  type Phase,
} from '#core/image-document.ts';
import * as life from '#core/image-life.ts';
import { recentUsesAt } from '#core/recent-uses.ts';
import { OTHER_SETTINGS, SETTINGS } from './deployment.ts';
import {
  building,
  current,
  failed,
  imageOf,
  LEASE_MS,
  LEASE_SECONDS,
  none,
  queued,
  request,
  T,
  waiting,
} from './life-of-hello.ts';

const NOW = T + 5_000;
const states = {
  nothing: undefined,
  none: imageOf(none, { current }),
  queued: imageOf(queued({ by: 'refresh' }), { current }),
  'with a worker': imageOf(building({ by: 'refresh' }), { current }),
  'with another': imageOf(building({ lease: { token: 'yours', renewedAt: T, durationSeconds: 30 } }), {
    current,
  }),
  'left by its worker': imageOf(
    building({ lease: { token: 'yours', renewedAt: T - LEASE_MS, durationSeconds: 30 } }),
  ),
  'waiting for its images': imageOf(waiting({ by: 'refresh' }), { current }),
  failed: imageOf(failed('build_failed'), { current, failuresAt: [T] }),
} as const;
type State = keyof typeof states;

const phase: Phase = { name: 'packing', done: 2, of: 9 };
const claimant = { token: 'new', durationSeconds: LEASE_SECONDS, settings: SETTINGS };
const failure = { kind: 'build_failed', message: 'no' } as const;

interface Transition {
  readonly what: string;
  readonly apply: (document: ImageDocument | undefined) => ImageDocument | undefined;
  /** The state of the build that follows, for each state that something follows from. */
  readonly follows: Partial<Record<State, Build['state']>>;
}

const asked = { request, by: 'pull', settings: SETTINGS } as const;
const transitions: readonly Transition[] = [
  {
    what: 'queue',
    apply: document => life.queue(document, asked, NOW),
    follows: { nothing: 'queued', none: 'queued', failed: 'queued' },
  },
  {
    what: 'raise',
    apply: life.raise,
    follows: { queued: 'queued', 'with a worker': 'building', 'waiting for its images': 'waiting' },
  },
  {
    what: 'claim',
    apply: document => {
      const claim = life.claim(document, claimant, NOW);
      return 'document' in claim ? claim.document : undefined;
    },
    follows: { queued: 'building', 'left by its worker': 'building', 'waiting for its images': 'building' },
  },
  { what: 'renew', apply: document => life.renew(document, 'mine', phase, NOW), follows: { 'with a worker': 'building' } },
  {
    what: 'release',
    apply: document => life.release(document, 'mine', 'disk full', NOW),
    follows: { 'with a worker': 'queued' },
  },
  {
    what: 'publish',
    apply: document => life.publish(document, 'mine', { ...current, revision: 'r2' }, NOW),
    follows: { 'with a worker': 'none' },
  },
  { what: 'keep', apply: document => life.keep(document, 'mine'), follows: { 'with a worker': 'none' } },
  {
    what: 'fail',
    apply: document => life.fail(document, 'mine', { failure, revision: 'r2' }, NOW),
    follows: { 'with a worker': 'failed' },
  },
]; // prettier-ignore

describe('every transition from every state', () => {
  for (const { what, apply, follows } of transitions) {
    for (const [state, document] of Object.entries(states) as [State, ImageDocument | undefined][]) {
      const expected = follows[state];
      test(`${what} of a build that is ${state} ${expected === undefined ? 'changes nothing' : `makes it ${expected}`}`, () => {
        const before = structuredClone(document);
        const next = apply(document);
        assert.equal(next?.build.state, expected);
        assert.deepEqual(document, before, 'what is given is left as it is');
        if (next !== undefined) imageDocumentSchema.parse(next);
      });
    }
  }
});

test('queue begins without tries, by the one who asks, and leaves what is served', () => {
  const next = life.queue(states.failed, { request, by: 'refresh', settings: SETTINGS }, NOW);
  const build = queued({ by: 'refresh', queuedAt: NOW });
  assert.deepEqual(next, imageOf(build, { current, failuresAt: [T] }));
});

test('raise changes who waits, and nothing else', () => {
  assert.deepEqual(life.raise(states.queued), imageOf(queued(), { current }));
  assert.deepEqual(life.raise(states['with a worker']), imageOf(building(), { current }));
});

describe('claim', () => {
  const claimed = (build: Build, more: Partial<typeof claimant> = {}) => {
    const claim = life.claim(imageOf(build), { ...claimant, ...more }, NOW);
    return 'document' in claim ? { kind: claim.kind, build: claim.document.build } : claim;
  };

  test('counts, keeps who waits and what went wrong, and begins a lease', () => {
    assert.deepEqual(claimed(queued({ by: 'refresh', attempts: 2, lastError: 'disk full' })), {
      kind: 'claimed',
      build: building({
        by: 'refresh',
        attempts: 3,
        lastError: 'disk full',
        lease: { token: 'new', renewedAt: NOW, durationSeconds: LEASE_SECONDS },
      }),
    });
  });

  test('of what the token holds already changes nothing', () => {
    const build = building({ attempts: 5 });
    assert.deepEqual(claimed(build, { token: 'mine' }), { kind: 'claimed', build });
  });

  test('under other settings is declined, however often it was tried', () => {
    const other = { settings: OTHER_SETTINGS };
    const declined = { kind: 'declined', wanted: SETTINGS };
    assert.deepEqual(claimed(queued(), other), declined);
    assert.deepEqual(claimed(queued({ attempts: 5 }), other), declined);
    assert.deepEqual(claimed(waiting(), other), declined);
  });

  test('after five tries is the end, with the last error', () => {
    assert.equal(claimed(queued({ attempts: 4 })).kind, 'claimed');
    const ended = (message: string) => ({
      kind: 'given-up',
      build: failed('gave_up', {
        failure: { kind: 'gave_up', message, log: undefined },
        failedAt: NOW,
        revision: undefined,
      }),
    });
    assert.deepEqual(
      claimed(queued({ attempts: 5, lastError: 'disk full' })),
      ended('gave up after 5 attempts: disk full'),
    );
    const vanished = building({ attempts: 5, lease: { token: 'x', renewedAt: 0, durationSeconds: 30 } });
    assert.deepEqual(
      claimed(vanished),
      ended('gave up after 5 attempts: every worker that took it vanished'),
    );
  });

  test('that gives up leaves what is served', () => {
    const claim = life.claim(imageOf(queued({ attempts: 5 }), { current }), claimant, NOW);
    assert.ok(claim.kind === 'given-up');
    assert.deepEqual(claim.document.current, current);
  });
});

describe('the holder', () => {
  const held = imageOf(building({ by: 'refresh', attempts: 2, lastError: 'disk full' }), {
    current,
    failuresAt: [T],
  });

  test('renews: the lease begins again, the rest stays', () => {
    const lease = { token: 'mine', renewedAt: NOW, durationSeconds: LEASE_SECONDS };
    const build = building({ by: 'refresh', attempts: 2, lastError: 'disk full', lease, phase });
    assert.deepEqual(life.renew(held, 'mine', phase, NOW), { ...held, build });
  });

  test('releases with an error, which is a try, or on purpose, which is none', () => {
    const build = queued({ by: 'refresh', attempts: 2, lastError: 'no network', queuedAt: NOW });
    assert.deepEqual(life.release(held, 'mine', 'no network', NOW), { ...held, build });
    assert.deepEqual(life.release(held, 'mine', undefined, NOW), {
      ...held,
      build: queued({ by: 'refresh', attempts: 1, lastError: 'disk full', queuedAt: NOW }),
    });
  });

  test('releases what someone waits for as just that', () => {
    const released = life.release(imageOf(building()), 'mine', 'no network', NOW);
    assert.deepEqual(released?.build, queued({ attempts: 1, lastError: 'no network', queuedAt: NOW }));
  });

  test('publishes, and failures are remembered', () => {
    const made = { digest: digestOf('newer'), revision: 'r2', checkedAt: NOW - 1 };
    const next = life.publish(held, 'mine', made, NOW);
    assert.deepEqual(next, { ...held, current: { ...made, builtAt: NOW }, build: none, indexes: undefined });
  });

  for (const [by, usedAt] of [
    ['pull', NOW],
    ['refresh', T],
  ] as const) {
    test(`publishes for a ${by}: used at ${usedAt - T} ms`, () => {
      const build = { ...held.build, by };
      const made = { digest: digestOf('newer'), revision: 'r2', checkedAt: NOW - 1 };
      const used = { ...held, build, usedAt: T, recentUses: 2 };
      const next = life.publish(used, 'mine', made, NOW);
      assert.equal(next?.usedAt, usedAt);
      assert.equal(next.recentUses, by === 'pull' ? recentUsesAt(used, NOW) + 1 : 2);
    });
  }

  test('keeps what is served, where something is', () => {
    assert.deepEqual(life.keep(held, 'mine'), { ...held, build: none, indexes: undefined });
    assert.equal(life.keep(imageOf(building()), 'mine'), undefined);
  });

  for (const [kind, isServed] of [
    ['unknown_package', false],
    ['refused', false],
    ['build_failed', true],
    ['unknown_source', true],
    ['gave_up', true],
  ] as const) {
    test(`fails with ${kind}: what was served is ${isServed ? 'served on' : 'not served any more'}`, () => {
      const log = `${'x'.repeat(LOG_LIMIT)}end`;
      const next = life.fail(held, 'mine', { failure: { kind, message: 'no', log }, revision: 'r2' }, NOW);
      assert.deepEqual(next?.current, isServed ? current : undefined);
      const kept = { kind, message: 'no', log: `${'x'.repeat(LOG_LIMIT - 3)}end` };
      assert.deepEqual(next?.build, failed(kind, { failure: kept, failedAt: NOW, revision: 'r2' }));
    });
  }

  test('may go on after the end of its lease while nobody has taken it', () => {
    assert.ok(life.renew(held, 'mine', phase, T + 10 * LEASE_MS));
  });

  test('failures are remembered as far as they matter', () => {
    const earlier = [T - 5, T - 4, T - 3, T - 2, T - 1];
    const used = { ...held, failuresAt: earlier, usedAt: T - 6, recentUses: 3 };
    const next = life.fail(used, 'mine', { failure, revision: 'r1' }, NOW);
    assert.deepEqual(next?.failuresAt, [T - 4, T - 3, T - 2, T - 1, NOW]);
    assert.deepEqual([next?.usedAt, next?.recentUses], [T - 6, 3], 'and so are uses');
  });
});

describe('what is lost', () => {
  const served = imageOf(none, { current });

  test('is served no longer, and is made again', () => {
    const build = queued({ by: 'refresh', queuedAt: NOW });
    assert.deepEqual(life.lose(served, current.digest, NOW), { ...served, current: undefined, build });
  });

  test('is made by the build that is under way, which finds nothing to keep', () => {
    const held = imageOf(building(), { current });
    const lost = life.lose(held, current.digest, NOW);
    assert.deepEqual(lost, { ...held, current: undefined });
    assert.equal(life.keep(lost, 'mine'), undefined);
  });

  test('is nothing where another image is served, or none', () => {
    assert.equal(life.lose(served, digestOf('newer'), NOW), undefined);
    assert.equal(life.lose(imageOf(none), current.digest, NOW), undefined);
    assert.equal(life.lose(undefined, current.digest, NOW), undefined);
  });
});

describe('who is to act', () => {
  const rows: readonly [what: string, build: Build, after: number, claimable: boolean, hint: boolean][] = [
    ['none', none, 1e9, false, false],
    ['failed', failed('refused'), 1e9, false, false],
    ['just queued', queued(), 0, true, false],
    ['queued, patience not over', queued(), life.UNCLAIMED_MS, true, false],
    ['queued, patience over', queued(), life.UNCLAIMED_MS + 1, true, true],
    ['building', building(), 0, false, false],
    ['building, lease at its end', building(), LEASE_MS, false, false],
    ['building, lease over', building(), LEASE_MS + 1, true, true],
    ['an index just parked', waiting(), 0, true, false],
    ['an index, patience over', waiting(), life.UNCLAIMED_MS + 1, true, true],
    ['building, seen before its renewal', building(), -5_000, false, false],
  ]; // prettier-ignore
  for (const [what, build, after, claimable, hint] of rows) {
    test(what, () => {
      assert.equal(life.isClaimable(build, T + after), claimable, 'claimable');
      assert.equal(life.needsHint(build, T + after), hint, 'hint');
    });
  }

  test('patience with a queue is the caller’s, with a lease its own', () => {
    assert.equal(life.needsHint(queued(), T + life.UNCLAIMED_MS + 1, 60_000), false);
    assert.equal(life.needsHint(queued(), T + 60_001, 60_000), true);
    assert.equal(life.needsHint(building(), T + LEASE_MS + 1, 60_000), true);
  });

  test('a fifth failure within an hour is one too many for another build', () => {
    const over = (failuresAt: number[]) => life.isOverFailureLimit(imageOf(none, { failuresAt }), T);
    assert.equal(life.isOverFailureLimit(imageOf(none), T), false);
    assert.equal(over([T - 4, T - 3, T - 2, T - 1]), false);
    assert.equal(over([T - life.HOUR_MS + 1, T - 3, T - 2, T - 1, T]), true);
    assert.equal(over([T - life.HOUR_MS, T - 3, T - 2, T - 1, T]), false);
  });
});

test('phases read well', () => {
  assert.equal(describePhase({ name: 'resolving' }), 'resolving');
  assert.equal(describePhase({ name: 'building', done: 3, of: 17 }), 'building 3/17');
  assert.equal(describePhase({ name: 'packing', of: 9 }), 'packing 0/9');
  assert.match(describePhase({ name: 'waiting' }), /^waiting for another build/);
});
