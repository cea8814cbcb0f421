import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { RegistryError } from '#core/errors.ts';
import { NAME_LIMIT, parseRepositoryName, parseTag } from '#core/reference.ts';
import { component, tag } from './arbitraries.ts';

/** As printed in the OCI distribution specification 1.1, "Pulling manifests". */
const SPEC_NAME = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const SPEC_TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

const goodNames = [
  'a',
  'hello',
  'shell/git/curl',
  'a--b',
  'a---b',
  'a__b',
  'a.b',
  'python3.11',
  '7zip',
  '0/1',
];
const badNames = [
  '', '/', '/a', 'a/', 'a//b', 'A', 'a/B', '.', '..', 'a/..', '../a', '.a', 'a.', 'a..b', 'a___b', 'a._b', '-a',
  'a-', 'a-.b', 'a b', 'a\n', '\na', 'a\0', 'a%2fb', 'a%00', 'a"b', "a'b", '$(id)', '`id`', 'a;b', 'a|b', 'a&b',
  'a\\b', 'ä', 'a:b', 'a@b', 'a+b', 'a/\u202eb', '${a}', '/nix/store/x',
]; // prettier-ignore

const goodTags = ['latest', 'v1.0', '_', 'A', '1', 'a.-_b', '..a'.slice(2), 'a..', 'x'.repeat(128)];
const badTags = ['', '.', '..', '.a', '-a', 'a/b', 'a b', 'a:b', 'a%', 'a\n', 'ä', '$(id)', 'x'.repeat(129)];

function isRefused(status: number, code: string): (error: unknown) => boolean {
  return error => error instanceof RegistryError && error.status === status && error.code === code;
}

/** Text near the grammar, where a mistake would be. */
const nearName = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '0', 'A', '.', '_', '-', '/', '\n'), maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.array(component, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/')),
);

describe('repository name', () => {
  for (const name of goodNames) {
    test(`${name} is one`, () => assert.equal(parseRepositoryName(name), name));
  }
  for (const name of badNames) {
    test(`${JSON.stringify(name)} is none`, () => {
      assert.throws(() => parseRepositoryName(name), isRefused(400, 'NAME_INVALID'));
    });
  }

  test('is what the specification says', () => {
    fc.assert(
      fc.property(nearName, text => {
        if (SPEC_NAME.test(text)) assert.equal(parseRepositoryName(text), text);
        else assert.throws(() => parseRepositoryName(text), isRefused(400, 'NAME_INVALID'));
      }),
      { numRuns: 2_000 },
    );
  });

  test('has a limit, which the refusal names', () => {
    assert.equal(parseRepositoryName('x'.repeat(NAME_LIMIT)).length, NAME_LIMIT);
    assert.throws(() => parseRepositoryName('x'.repeat(NAME_LIMIT + 1)), /longer than 255/);
  });

  test('is refused without being repeated', () => {
    assert.throws(
      () => parseRepositoryName('<script>'),
      (error: Error) => !error.message.includes('script'),
    );
  });
});

describe('tag', () => {
  for (const text of goodTags) test(`${text} is one`, () => assert.equal(parseTag(text), text));
  for (const text of badTags) {
    test(`${JSON.stringify(text)} is none`, () =>
      assert.throws(() => parseTag(text), isRefused(404, 'MANIFEST_UNKNOWN')));
  }

  test('is what the specification says', () => {
    const nearTag = fc.oneof(
      tag,
      fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '_', '-', '/', ':', '\n'), maxLength: 130 }),
    );
    fc.assert(
      fc.property(nearTag, text => {
        if (SPEC_TAG.test(text)) assert.equal(parseTag(text), text);
        else assert.throws(() => parseTag(text), isRefused(404, 'MANIFEST_UNKNOWN'));
      }),
      { numRuns: 2_000 },
    );
  });
});
