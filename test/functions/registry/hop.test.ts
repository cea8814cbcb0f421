import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createHops } from '#functions/registry/hop.ts';

const PATH = '/v2/shell/git/manifests/latest';
const HOUR = 3_600_000;
const NOON = Date.parse('2026-06-01T12:00:00Z');

const hops = createHops(['the secret of this deployment'], () => NOON);
const PULL = 'one-pull-ABC';
const signed = hops.sign({ number: 3, beganAt: NOON - 60_000, pull: PULL, target: PATH });

describe('a hop', () => {
  test('of ours is read as it was signed, whatever else is in the query', () => {
    for (const query of [`wait=${signed}`, `ns=docker.io&wait=${signed}&x=%2F`]) {
      const hop = hops.parse(`${PATH}?${query}`);
      assert.deepEqual(hop, {
        number: 3,
        beganAt: NOON - 60_000,
        pull: PULL,
        target: `${PATH}?${query}`,
      });
    }
  });

  test('is what it was signed as, for any number, moment and path', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99_999 }),
        fc.integer({ min: 0, max: 23 * 3600 }),
        fc.stringMatching(/^[\w-]{12}$/),
        fc.webPath(),
        (number, seconds, pull, path) => {
          const hop = { number, beganAt: NOON - seconds * 1000, pull, target: path };
          const target = `${path}?wait=${hops.sign(hop)}`;
          assert.deepEqual(hops.parse(target), { ...hop, target });
        },
      ),
    );
  });

  test('is no other pull’s, even where both were sent on from the same address in the same second', () => {
    const first = hops.parse(PATH);
    const others = Array.from({ length: 100 }, () => hops.sign({ ...first, number: 1 }));
    const pulls = others.map(wait => hops.parse(`${PATH}?wait=${wait}`).pull);
    assert.equal(new Set(pulls).size, 100);
    // It stays the same pull when it is sent on again.
    const hop = hops.parse(`${PATH}?wait=${others[0]}`);
    assert.equal(hops.parse(`${PATH}?wait=${hops.sign({ ...hop, number: 2 })}`).pull, pulls[0]);
  });

  const [number = '', began = '', pull = '', code = ''] = signed.split('.');
  const other = createHops(['the secret of another deployment'], () => NOON);
  const strangers: Readonly<Record<string, string>> = {
    'that is none': '',
    'without a signature': '?wait=3',
    'with an empty value': '?wait=',
    'with another number': `?wait=4.${began}.${pull}.${code}`,
    'that began at another time': `?wait=${number}.${began.replace(/.$/, '0')}.${pull}.${code}`,
    'of another pull': `?wait=${number}.${began}.${pull.replace(/.$/, 'X')}.${code}`,
    'of no pull': `?wait=${number}.${began}.${code}`,
    'with a signature that is cut': `?wait=${signed.slice(0, -1)}`,
    'with a signature that is longer': `?wait=${signed}A`,
    'with one character changed': `?wait=${signed.replace(/.$/, last => (last === 'A' ? 'Q' : 'A'))}`,
    'of another deployment': `?wait=${other.sign({ number: 3, beganAt: NOON, target: PATH })}`,
    'of another image': `?wait=${hops.sign({ number: 3, beganAt: NOON, target: '/v2/git/manifests/latest' })}`,
    'of the day before': `?wait=${hops.sign({ number: 3, beganAt: NOON - 24 * HOUR, target: PATH })}`,
    'of tomorrow': `?wait=${hops.sign({ number: 3, beganAt: NOON + 24 * HOUR, target: PATH })}`,
    'with characters of its own': '?wait=3.%00%0d%0a.x',
  };
  for (const [which, query] of Object.entries(strangers)) {
    test(`${which} is a first request`, () => {
      assert.deepEqual(hops.parse(PATH + query), { number: 0, beganAt: NOON, target: PATH + query });
    });
  }

  test('is believed by who knows its secret as an earlier one, and signed with the newest', () => {
    const later = createHops(['the next secret', 'the secret of this deployment'], () => NOON);
    assert.equal(later.parse(`${PATH}?wait=${signed}`).number, 3);
    const next = later.sign({ number: 4, beganAt: NOON, target: PATH });
    assert.equal(later.parse(`${PATH}?wait=${next}`).number, 4);
    assert.equal(hops.parse(`${PATH}?wait=${next}`).number, 0);
  });
});
