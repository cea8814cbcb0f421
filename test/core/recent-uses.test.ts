import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HALF_LIFE_MS, recentUsesAt, usedOnceMore, type CountedUses } from '#core/recent-uses.ts';

const HOUR = 3_600_000;
const moment = fc.integer({ min: 0, max: 365 * 24 * HOUR });
const uses = fc.record({ usedAt: moment, recentUses: fc.double({ min: 0, max: 1_000, noNaN: true }) });

const isNear = (actual: number, expected: number): boolean =>
  Math.abs(actual - expected) <= 1e-9 * Math.max(1, expected);

describe('the count of recent uses', () => {
  test('is none of what was never used, and one of what was before uses were counted', () => {
    assert.equal(recentUsesAt({}, 5), 0);
    assert.equal(recentUsesAt({ usedAt: 5 }, 5), 1);
    assert.deepEqual(usedOnceMore({}, 7), { usedAt: 7, recentUses: 1 });
  });

  test('halves in three days', () => {
    fc.assert(
      fc.property(uses, moment, (counted, later) => {
        const now = counted.usedAt + later;
        return isNear(recentUsesAt(counted, now + 3 * 24 * HOUR), recentUsesAt(counted, now) / 2);
      }),
    );
    assert.equal(HALF_LIFE_MS, 3 * 24 * HOUR);
  });

  test('never grows by waiting, whatever the clocks say', () => {
    fc.assert(
      fc.property(uses, moment, moment, (counted, a, b) => {
        const [sooner, later] = [Math.min(a, b), Math.max(a, b)];
        const count = recentUsesAt(counted, later);
        return count >= 0 && count <= recentUsesAt(counted, sooner) && count <= counted.recentUses;
      }),
    );
  });

  test('comes to what each use weighs by now, whenever it was noted', () => {
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 50 }), moment, (times, later) => {
        const sorted = times.toSorted((a, b) => a - b);
        const now = (sorted.at(-1) ?? 0) + later;
        let counted: CountedUses = {};
        for (const at of sorted) counted = usedOnceMore(counted, at);
        const sum = sorted.reduce((total, at) => total + 2 ** ((at - now) / HALF_LIFE_MS), 0);
        return isNear(recentUsesAt(counted, now), sum);
      }),
    );
  });

  test('keeps its order while time goes by: who is ahead stays ahead', () => {
    fc.assert(
      fc.property(uses, uses, moment, (one, other, later) => {
        const from = Math.max(one.usedAt, other.usedAt);
        const ahead = recentUsesAt(one, from) - recentUsesAt(other, from);
        const stillAhead = recentUsesAt(one, from + later) - recentUsesAt(other, from + later);
        return Math.abs(ahead) < 1e-9 || stillAhead * ahead >= 0;
      }),
    );
  });
});
