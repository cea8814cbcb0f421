import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createFailureLimit } from '#functions/registry/auth/failure-limit.ts';

describe('the limit of failures', () => {
  test('lets no address be wrong more often in a minute than it says, nor any less', () => {
    const step = fc.record({
      address: fc.constantFrom('a', 'b', 'c'),
      ms: fc.nat(20_000),
      isWrong: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        let now = 0;
        const limit = createFailureLimit({ perMinute: 3, addresses: 10 }, () => now);
        /** When each address was wrong in its running minute. */
        const minutes = new Map<string, { since: number; wrong: number }>();
        for (const { address, ms, isWrong } of steps) {
          now += ms;
          let minute = minutes.get(address);
          if (minute === undefined || now - minute.since >= 60_000) {
            minute = { since: now, wrong: 0 };
            minutes.set(address, minute);
          }
          const pause = limit.take(address);
          assert.equal(pause === undefined, minute.wrong < 3);
          if (pause !== undefined) assert.ok(pause > 0 && pause <= 60);
          else if (isWrong) minute.wrong += 1;
          else limit.giveBack(address);
        }
      }),
    );
  });

  test('remembers so many addresses, and no more: a flood from others costs no memory', () => {
    const limit = createFailureLimit({ perMinute: 1, addresses: 100 }, () => 0);
    const wrong = (number: number): boolean => limit.take(`address ${number}`) === undefined;
    for (let number = 0; number < 1_000; number += 1) assert.ok(wrong(number));
    for (let number = 900; number < 1_000; number += 1) assert.ok(!wrong(number), 'it is remembered');
    assert.ok(wrong(0), 'it is forgotten');
  });
});
