// Names with escapes, by way of the worker's resolver: each attribute can be asked for, and by the name that its writer says.
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { debianSet, found, resolveNames, type DebianSet } from '#test/nix/debian-set.ts';
import { folderOf } from '#test/worker/nix/source-of.ts';
import { spellingsOf } from '#worker/nix/spellings.ts';
import { createWriter } from '#worker/nix/written-attribute.ts';

let set: DebianSet;
before(async () => {
  set = await debianSet();
});

suite('attributes that no image can be called', () => {
  const PACKAGES = ['gtk+3', 'Foo', 'foo', 'Bar', 'BAR', '_1a', 'a.b', 'a', 'gtk__2b4', 'gtk+4', '0+', '_'];
  /** Each is a package of its own, with itself as an output and a set that has a member of an odd name. */
  const EXPRESSION = `{ system, ... }:
    let package = name: derivation { name = "x"; inherit system; builder = "/b"; of = name; }; in
    builtins.listToAttrs (map (name: {
      inherit name;
      value = package name // { "in+side" = package "in \${name}"; };
    }) ${nixList(PACKAGES)})`;

  const cases: Record<string, string> = {
    gtk__2b3: 'gtk+3',
    'gtk__2b3.in__2bside': 'gtk+3.in+side',
    'foo.in__2bside': 'foo.in+side',
    foo: 'foo',
    '0__46oo': 'Foo',
    '0__42ar': 'Bar',
    '0__42__41__52': 'BAR',
    '1a': '_1a',
    a: 'a',
    a__2eb: 'a.b',
    // An attribute that is called like an escape comes first.
    gtk__2b4: 'gtk__2b4',
    '0__30__2b': '0+',
    '0__5f': '_',
  };
  test('can be asked for', async context => {
    const folder = await folderOf(context, { 'default.nix': EXPRESSION });
    const items = found(await resolveNames(set, Object.keys(cases), folder));
    assert.deepEqual(Object.fromEntries(items.map(({ name, attribute }) => [name, attribute])), cases);
  });

  test('are looked up as their writer says', async context => {
    // Few letters, so that many differ only in case, in an underscore, or in what an escape stands for.
    const member = fc
      .array(fc.constantFrom('a', 'A', '_', '__', '0', '2', 'b', '+', '-', '.', '__2b'), {
        minLength: 1,
        maxLength: 4,
      })
      .map(parts => parts.join(''));
    const members = fc.sample(fc.uniqueArray(member, { minLength: 200, maxLength: 200 }), 1).flat();
    const write = createWriter(members);
    const written = members.flatMap(name => {
      const text = write(name);
      return text === undefined || spellingsOf(text) === undefined ? [] : [{ name, text }];
    });
    assert.ok(written.length > 50);
    const folder = await folderOf(context, {
      'default.nix': `{ system, ... }: builtins.listToAttrs (map (name: {
        inherit name;
        value = derivation { name = "x"; inherit system; builder = "/b"; };
      }) ${nixList(members)})`,
    });
    const items = found(
      await resolveNames(
        set,
        written.map(({ text }) => text),
        folder,
      ),
    );
    assert.deepEqual(
      items.map(({ attribute }) => attribute),
      written.map(({ name }) => name),
    );
  });
});

function nixList(texts: readonly string[]): string {
  return `[ ${texts.map(text => JSON.stringify(text)).join(' ')} ]`;
}
