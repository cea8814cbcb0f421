import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWriter } from '#worker/nix/written-attribute.ts';

const cases: readonly [members: string[], member: string, written: string | undefined][] = [
  [['hello'], 'hello', 'hello'],
  [['bashInteractive'], 'bashInteractive', 'bashinteractive'],
  [['gtk+3'], 'gtk+3', 'gtk__2b3'],
  [['Gtk+3'], 'Gtk+3', 'gtk__2b3'],
  [['_7zz'], '_7zz', '7zz'],
  [['_private'], '_private', '0__5fprivate'],
  // Where others have the plainer name, or might.
  [['Foo', 'foo'], 'foo', 'foo'],
  [['Foo', 'foo'], 'Foo', '0__46oo'],
  [['Foo', 'FOO'], 'Foo', '0__46oo'],
  [['7zz', '_7zz'], '_7zz', '0__5f7zz'],
  [['_1A', '_1a'], '_1A', '0__5f1__41'],
  [['gtk__2b3', 'gtk+3'], 'gtk__2b3', 'gtk__5f__5f2b3'],
  // The escape is taken by an attribute that is called so: there is no way to write it.
  [['gtk__2b3', 'gtk+3'], 'gtk+3', undefined],
  [['größe'], 'größe', undefined],
];
for (const [members, member, written] of cases) {
  test(`${member} of ${members.join(', ')}: ${written}`, () =>
    assert.equal(createWriter(members)(member), written));
}
