import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ConfigurationError } from '#core/errors.ts';
import { formatSourceAtRef, parseSourceAtRef } from '#core/source-at-ref.ts';
import { packageSource } from './arbitraries.ts';

describe('package source at a ref', () => {
  const url = 'https://example.org/set.git';
  const forms: readonly [text: string, parsed: object][] = [
    [`git:${url}`, { source: { kind: 'git', url }, ref: 'latest' }],
    [`git:${url}#main`, { source: { kind: 'git', url }, ref: 'main' }],
    [`git:${url}#feature/x`, { source: { kind: 'git', url }, ref: 'feature/x' }],
    ['debian', { source: { kind: 'debian' }, ref: 'latest' }],
    // Only git has refs: elsewhere "#" is a character of its own.
    ['path:/srv/a#b', { source: { kind: 'path', folder: '/srv/a#b' }, ref: 'latest' }],
  ];
  for (const [text, parsed] of forms) {
    test(`${text} is read and written`, () => {
      assert.deepEqual(parseSourceAtRef(text), parsed);
      assert.equal(formatSourceAtRef(parseSourceAtRef(text)), text);
    });
  }

  for (const ref of ['', '-x', 'a..b', 'a b', 'a#b:c', '../x', 'a*', 'ä']) {
    test(`"#${ref}" is no ref`, () => {
      assert.throws(() => parseSourceAtRef(`git:${url}#${ref}`), ConfigurationError);
    });
  }

  test('repeats nothing of an address that a "#" cuts in two', () => {
    assert.throws(
      () => parseSourceAtRef('git:https://user:hunt#hunter2@example.org/set'),
      (error: unknown) => error instanceof ConfigurationError && !error.message.includes('hunt'),
    );
  });

  test('is written as it is read', () => {
    fc.assert(
      fc.property(packageSource, fc.constantFrom('latest', 'main', 'feature/x'), (source, ref) => {
        const at = { source, ref: source.kind === 'git' ? ref : 'latest' };
        assert.deepEqual(parseSourceAtRef(formatSourceAtRef(at)), at);
      }),
    );
  });
});
