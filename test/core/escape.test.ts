import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { escape, escapeTag, unescape, unescapeTag } from '#core/escape.ts';
import { repositoryNameSchema } from '#core/reference.ts';

const attribute = fc.stringMatching(/^[!-~]{1,30}$/);
/** Characters that escapes are made of, and those that they are made for. */
const tricky = fc
  .array(fc.constantFrom('0', '2', 'b', 'f', 'x', 'F', '_', '__', '-', '.', '+', '0__', '__2b'), {
    minLength: 1,
    maxLength: 12,
  })
  .map(parts => parts.join(''));

suite('attributes as they are written in names', () => {
  const cases: Record<string, string> = {
    hello: 'hello',
    'gtk+3': 'gtk__2b3',
    Foo: '0__46oo',
    'a-b_c': 'a-b_c',
    'a-B': 'a__2d__42',
    _7zz: '0__5f7zz',
    'one.two': 'one__2etwo',
    // Two separators are none of the grammar's, and would begin an escape.
    a__2b: 'a__5f__5f2b',
    'x-': 'x__2d',
    // A 0 that is the attribute's own.
    '0+': '0__30__2b',
  };
  for (const [name, written] of Object.entries(cases)) {
    test(`${name} is ${written}`, () => {
      assert.equal(escape(name), written);
      assert.equal(unescape(written), name);
    });
  }

  test('what no name can hold is not written', () => {
    for (const name of ['', 'ä', 'a b', 'a\n', '\0']) assert.equal(escape(name), undefined);
  });

  test('always fit the grammar, and stand for the attribute', () => {
    fc.assert(
      fc.property(fc.oneof(attribute, tricky), name => {
        const written = escape(name) ?? '';
        assert.equal(repositoryNameSchema.safeParse(written).success, true, written);
        assert.doesNotMatch(written, /\./, 'a dot would part it');
        assert.equal(unescape(written), name);
      }),
      { numRuns: 2000 },
    );
  });
});

suite('text that was not escaped', () => {
  test('stands for itself where it holds no escape', () => {
    for (const text of ['hello', 'a__b', 'a__zz', 'a__00', 'a__7f', 'a__20', 'a__2', '0__', 'A__2B', ''])
      assert.equal(unescape(text), text);
  });

  test('is read once: what an escape stands for begins no other', () => {
    assert.equal(unescape('a__5f_2b'), 'a__2b');
    assert.equal(unescape('0__30__2b'), '0+');
  });
});

test('a ref that is written in a tag stands for itself', () => {
  fc.assert(
    fc.property(fc.oneof(attribute, tricky), ref => {
      const written = escapeTag(ref);
      assert.match(written, /^[A-Za-z0-9_][A-Za-z0-9._-]*$/);
      assert.equal(unescapeTag(written), ref);
    }),
  );
});
