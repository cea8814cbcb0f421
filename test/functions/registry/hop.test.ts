import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RegistryError } from '#core/errors.ts';
import { nextHop, parseHop } from '#functions/registry/hop.ts';

const PATH = '/v2/shell/git/manifests/latest';

describe('hop', () => {
  const hops: readonly [query: string, number: number][] = [
    ['', 0],
    ['?', 0],
    ['?ns=docker.io', 0],
    ['?wait=1', 1],
    ['?ns=docker.io&wait=8', 8],
    ['?wait=9', 9],
    // What we did not write counts as the last: a forged one gains nothing.
    ['?wait=', 9],
    ['?wait=0', 9],
    ['?wait=10', 9],
    ['?wait=-1', 9],
    ['?wait=1.5', 9],
    ['?wait=1%00', 9],
    ['?wait=abc', 9],
  ];
  for (const [query, number] of hops) {
    test(`"${query}" is hop ${number}`, () => assert.equal(parseHop(PATH + query).number, number));
  }

  test('leads to the next, at the same path, with the query kept', () => {
    const { status, headers } = nextHop(parseHop(`${PATH}?ns=docker.io&x=%2F%20y`), 'building 3/17');
    assert.equal(status, 307);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['warning'], '299 - "the image is being built: building 3/17"');
    const location = headers['location'] ?? '';
    assert.ok(location.startsWith(`${PATH}?`), 'relative, and the same path');
    assert.deepEqual([...new URLSearchParams(location.slice(PATH.length + 1))], [
      ['ns', 'docker.io'],
      ['x', '/ y'],
      ['wait', '1'],
    ]); // prettier-ignore
  });

  test('ends after nine redirects with 429, which says what to do', () => {
    let target = PATH;
    for (let hop = 1; hop <= 9; hop++) {
      target = nextHop(parseHop(target), 'resolving').headers['location'] ?? '';
      assert.equal(target, `${PATH}?wait=${hop}`);
    }
    assert.throws(
      () => nextHop(parseHop(target), 'packing 2/9'),
      (error: unknown) => {
        assert.ok(error instanceof RegistryError);
        assert.deepEqual([error.status, error.code], [429, 'TOOMANYREQUESTS']);
        assert.match(error.message, /packing 2\/9.*run the same pull again/);
        assert.equal(error.headers['retry-after'], '5');
        return true;
      },
    );
  });

  test('carries no line end from a query into a header', () => {
    const { headers } = nextHop(parseHop(`${PATH}?a=%0d%0aset-cookie:x`), 'resolving');
    assert.doesNotMatch(headers['location'] ?? '', /[\r\n]/);
  });
});
