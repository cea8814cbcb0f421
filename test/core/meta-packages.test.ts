import assert from 'node:assert/strict';
import { test } from 'node:test';
import { META_PACKAGES } from '#core/meta-packages.ts';
import { PACKAGE_LIMIT } from '#core/image-request.ts';
import { repositoryNameSchema } from '#core/reference.ts';

const metas = Object.entries(META_PACKAGES);
const added = metas.flatMap(([, meta]) => ('adds' in meta ? [meta.adds] : []));

test('a meta-package can be written in a name, and says in a clause what it does', () => {
  for (const [name, { does }] of metas) {
    assert.equal(repositoryNameSchema.safeParse(name).success && !/[/.]/.test(name), true, name);
    assert.match(does, /^[a-z].*[^.]$/);
  }
});

test('what meta-packages add are attributes, each once, none of them another meta-package', () => {
  for (const packages of added) {
    assert.equal(new Set(packages).size, packages.length);
    for (const one of packages) {
      assert.match(one, /^[a-z][A-Za-z0-9-]*(\.[a-z]+)*$/);
      assert.ok(!Object.hasOwn(META_PACKAGES, one), one);
    }
  }
});

test('all of them together leave room for packages', () => {
  assert.ok(new Set(added.flat()).size <= PACKAGE_LIMIT / 2);
});
