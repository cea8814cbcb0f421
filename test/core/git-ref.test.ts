import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { execaSync } from 'execa';
import * as fc from 'fast-check';
import { isGitRef } from '#core/git-ref.ts';

describe('git ref', () => {
  const good = [
    'main', 'v1.0', 'feature/x', 'a/b/c', 'HEAD', 'refs/pull/1/head', '0'.repeat(40), 'a@b', '@a', 'a-', 'a./b', 'A+b',
    'x'.repeat(255), "it's", '$(id)', 'a;b', '"', 'latest', 'a.lock.b', 'a{b}',
  ]; // prettier-ignore
  for (const ref of good) test(`${ref.slice(0, 40)} could be one`, () => assert.equal(isGitRef(ref), true));

  const bad = [
    '', '-', '--upload-pack=x', '-a', '/a', 'a/', 'a//b', '.', '..', 'a..b', '../a', '.a', 'a/.b', 'a.', 'a.lock', 'a.lock/b',
    'a b', 'a\n', '\na', 'a\0', 'a\x7f', 'a~1', 'a^', 'a^{}', 'a:b', 'a?', 'a*', 'a[b]', 'a\\b', '@', 'a@{1}', 'ä',
    'x'.repeat(256),
  ]; // prettier-ignore
  for (const ref of bad) {
    test(`${JSON.stringify(ref.slice(0, 40))} could not`, () => assert.equal(isGitRef(ref), false));
  }

  test('T19: is what git itself would take, but for one that looks like an option', () => {
    const near = fc.string({
      unit: fc.constantFrom('a', 'b', '0', '/', '.', '-', '@', '{', '}', '.lock', '*', '~', '_', '+', '#'),
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(near, ref => {
        fc.pre(!ref.startsWith('-'));
        // A branch's name has an @ of its own.
        const name = ref === '@' ? ref : `refs/heads/${ref}`;
        const { exitCode } = execaSync('git', ['check-ref-format', '--allow-onelevel', name], {
          reject: false,
        });
        assert.equal(isGitRef(ref), exitCode === 0, ref);
      }),
      { numRuns: 300 },
    );
  });
});
