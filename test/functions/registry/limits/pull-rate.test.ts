import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RegistryError } from '#core/errors.ts';
import type { Account } from '#functions/registry/limits/account.ts';
import { createPullRate } from '#functions/registry/limits/pull-rate.ts';
import { NO_LIMITS } from '../served.ts';

const MINUTE = 60_000;

function account(name: string, pullsPerMinute: number): Account {
  return { id: name, holder: { kind: 'address', name }, limits: { ...NO_LIMITS, pullsPerMinute } };
}

/** A caller of so many pulls a minute, at moments that the test says. Answers whether a pull is counted, or when there is room. */
function puller(pullsPerMinute: number) {
  let now = 0;
  const rate = createPullRate(() => now);
  const one = account('203.0.113.7', pullsPerMinute);
  return (at: number): 'counted' | number => {
    now = at;
    try {
      rate.count(one);
      return 'counted';
    } catch (error) {
      assert.ok(error instanceof RegistryError && error.status === 429 && error.code === 'TOOMANYREQUESTS');
      return Number(error.headers['retry-after']);
    }
  };
}

describe('the pulls of a minute', () => {
  test('may come at once; more of them as time gives them back', () => {
    const pull = puller(6);
    for (let count = 0; count < 6; count++) assert.equal(pull(1_000), 'counted');
    assert.equal(pull(1_000), 10);
    assert.equal(pull(2_500), 9, 'in 8.5 s, said as whole seconds');
    assert.equal(pull(10_999), 1);
    assert.equal(pull(11_000), 'counted');
    assert.equal(pull(11_000), 10);
    // A minute without any gives all back, and no more.
    for (let count = 0; count < 6; count++) assert.equal(pull(11_000 + 10 * MINUTE), 'counted');
    assert.equal(pull(11_000 + 10 * MINUTE), 10);
  });

  test('are refused without being counted, and there is room when it was said', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(5_000), { maxLength: 200 }),
        (limit, waits) => {
          const pull = puller(limit);
          let now = 0;
          let counted = 0;
          for (const wait of waits) {
            now += wait;
            const answer = pull(now);
            if (answer === 'counted') counted += 1;
            else {
              assert.equal(pull(now), answer, 'asking again makes it no later');
              now += answer * 1000;
              assert.equal(pull(now), 'counted');
              counted += 1;
            }
            assert.ok(counted <= limit + (now * limit) / MINUTE + 0.001);
          }
        },
      ),
    );
  });

  test('are each caller’s own, and without a limit as many as they like', () => {
    const rate = createPullRate(() => 0);
    rate.count(account('a', 1));
    rate.count(account('b', 1));
    assert.throws(() => rate.count(account('a', 1)), {
      message:
        'the limit of pulls a minute is 1 for each address, which a has reached: more in 1 min; run the same pull again then',
    });
    for (let count = 0; count < 1_000; count++) rate.count(account('c', Infinity));
  });

  test('of a flood of callers take no more memory than so many', () => {
    const rate = createPullRate(() => 0);
    const first = account('first', 1);
    rate.count(first);
    for (let count = 0; count < 9_999; count++) rate.count(account(`caller-${count}`, 1));
    assert.throws(() => rate.count(first), RegistryError);
    for (let count = 0; count < 10_000; count++) rate.count(account(`another-${count}`, 1));
    // Forgotten: the price of a bounded memory.
    rate.count(first);
  });
});
