import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { takeBuild, type BuildQuota } from '#core/build-quota.ts';
import { HOUR_MS } from '#core/image-life.ts';

/** Asks at each moment, in their order; answers when builds were begun, and checks each refusal. */
function ask(limit: number, moments: readonly number[]): number[] {
  const begun: number[] = [];
  let quota: BuildQuota | undefined;
  for (const now of moments) {
    const taken = takeBuild(quota, limit, now);
    if (taken.kind === 'taken') {
      begun.push(now);
      quota = taken.next;
      assert.equal(quota.expireAt, now + HOUR_MS);
      assert.ok(quota.startedAt.length <= limit);
    } else {
      assert.ok(taken.roomAt > now && taken.roomAt <= now + HOUR_MS);
      assert.equal(takeBuild(quota, limit, taken.roomAt - 1).kind, 'exhausted');
      assert.equal(takeBuild(quota, limit, taken.roomAt).kind, 'taken');
    }
  }
  return begun;
}

describe('a quota of builds', () => {
  test('gives as many as it has, and the next when the first is an hour old', () => {
    assert.deepEqual(ask(2, [0, 1, 2, HOUR_MS - 1, HOUR_MS, HOUR_MS, HOUR_MS + 1]), [
      0,
      1,
      HOUR_MS,
      HOUR_MS + 1,
    ]);
  });

  test('gives no more than that in any hour, and never less than it can', () => {
    const steps = fc.array(fc.oneof(fc.nat({ max: HOUR_MS / 4 }), fc.constantFrom(0, 1)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps, (limit, waits) => {
        let now = 1_000_000;
        const moments = waits.map(wait => (now += wait));
        const begun = ask(limit, moments);
        const within = (from: number, list: number[]): number =>
          list.filter(at => at >= from && at < from + HOUR_MS).length;
        for (const start of begun) assert.ok(within(start, begun) <= limit);
        const refused = moments.filter(at => !begun.includes(at));
        for (const at of refused) assert.equal(within(at - HOUR_MS + 1, begun), limit);
      }),
    );
  });

  test('that was lowered gives nothing before there are fewer', () => {
    const quota = { startedAt: [10, 20, 30, 40], expireAt: 40 + HOUR_MS };
    assert.deepEqual(takeBuild(quota, 2, 50), { kind: 'exhausted', roomAt: 30 + HOUR_MS });
    assert.equal(takeBuild(quota, 5, 50).kind, 'taken');
  });
});
