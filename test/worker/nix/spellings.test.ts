import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spellingsOf } from '#worker/nix/spellings.ts';

const cases: Record<string, string[][]> = {
  hello: [['hello']],
  'xorg.xev': [['xorg'], ['xev']],
  '7zz': [['7zz', '_7zz']],
  gtk__2b3: [['gtk__2b3', 'gtk+3']],
  // The attribute has the dot; the name is not parted there.
  'a__2eb.c': [['a__2eb', 'a.b'], ['c']],
  '0__46oo': [['0__46oo', 'Foo', '_0__46oo']],
  '7__2bzip': [['7__2bzip', '7+zip', '_7__2bzip', '_7+zip']],
  'hello.': [['hello'], ['']],
};
for (const [name, spellings] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(spellingsOf(name), spellings));
}

test('a name that can be no attribute’s has none', () => {
  for (const name of ['a\0', '\ud800', 'a.b.c.d.e.f.g', 'x'.repeat(256)])
    assert.equal(spellingsOf(name), undefined);
});
