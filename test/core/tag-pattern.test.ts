import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ConfigurationError } from '#core/errors.ts';
import { tagSchema } from '#core/reference.ts';
import { EXAMPLES, matchTag, parseTagPattern, type Wildcard } from '#core/tag-pattern.ts';
import { tag } from './arbitraries.ts';

const COMMIT = 'c'.repeat(40);

describe('tag pattern', () => {
  const matches: readonly [pattern: string, tag: string, matched: string | undefined][] = [
    ['latest', 'latest', ''],
    ['latest', 'Latest', undefined],
    ['latest', 'latest1', undefined],
    ['*', 'anything', 'anything'],
    ['nixos-*', 'nixos-26.05', '26.05'],
    ['nixos-*', 'nixos-', undefined],
    ['nixos-*', 'nixos', undefined],
    ['nixos-*', 'anixos-x', undefined],
    ['*-small', 'x-small', 'x'],
    ['*-small', 'x-small-', undefined],
    ['a*a', 'aa', undefined],
    ['a*a', 'aba', 'b'],
    // A pattern's dot is a dot.
    ['v1.*', 'v1.2', '2'],
    ['v1.*', 'v1x2', undefined],
    ['{commit}', COMMIT, COMMIT],
    ['{commit}', COMMIT.slice(1), undefined],
    ['{commit}', COMMIT.toUpperCase(), undefined],
    ['{commit}', `${COMMIT}c`, undefined],
    ['rev-{commit}', `rev-${COMMIT}`, COMMIT],
    ['rev-{commit}', 'rev-main', undefined],
  ];
  for (const [pattern, text, matched] of matches) {
    test(`${pattern} ${matched === undefined ? 'does not fit' : 'fits'} ${text}`, () => {
      assert.equal(matchTag(parseTagPattern(pattern), text), matched);
    });
  }

  const bad = ['', '**', '*-*', '*{commit}', 'a/b', 'a b', '.a', '-a', 'a:b', '{branch}', 'ä', `${'x'.repeat(128)}*`,
    `${'x'.repeat(89)}{commit}`]; // prettier-ignore
  for (const pattern of bad) {
    test(`"${pattern.slice(0, 20)}" is none`, () => {
      assert.throws(() => parseTagPattern(pattern), ConfigurationError);
    });
  }

  const pattern = fc.oneof(
    fc
      .tuple(tag, fc.constantFrom<Wildcard | ''>('*', '{commit}', ''))
      .map(([text, wildcard]) => `${text}${wildcard}`),
    fc.tuple(fc.constantFrom<Wildcard>('*', '{commit}'), tag).map(([wildcard, text]) => `${wildcard}${text}`),
  );

  test('fits the tag that its example makes of it, and what it gives back makes that tag again', () => {
    fc.assert(
      fc.property(pattern, tag, (text, other) => {
        const parsed = parseTagPattern(text);
        const { wildcard } = parsed;
        const filled = (value: string): string =>
          wildcard === undefined ? text : text.replace(wildcard, () => value);
        const example = filled(EXAMPLES[wildcard ?? '*']);
        assert.equal(tagSchema.safeParse(example).success, true);
        assert.notEqual(matchTag(parsed, example), undefined);
        for (const any of [other, filled(other)]) {
          const matched = matchTag(parsed, any);
          if (matched !== undefined) assert.equal(filled(matched), any);
        }
      }),
    );
  });
});
