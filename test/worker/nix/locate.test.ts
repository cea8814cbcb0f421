import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { found, debianSet, NO_ARGUMENTS, resolveNames, SYSTEM } from '#test/nix/debian-set.ts';
import { emptyStore } from '#test/worker/nix/binary-cache.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { locate, type Located } from '#worker/nix/locate.ts';
import type { Nix } from '#worker/nix/nix.ts';

const signal = AbortSignal.timeout(120_000);

async function locateIn(nix: Nix, folder: string, packages: readonly string[]): Promise<Located> {
  const source = await storeFolder(nix, folder);
  return locate(nix, { source, system: SYSTEM, importArguments: NO_ARGUMENTS, packages }, { signal });
}

test(
  'packages are located where they will be, and all others are passed over',
  { timeout: 120_000 },
  async () => {
    const set = await debianSet();
    const packages = ['hello', 'sqlite', 'xorg.xev', 'BASHinteractive'];
    const others = [
      'nope',
      'lib',
      'lib.version',
      'unfree-hello',
      'broken-hello',
      'removed-hello',
      'twin-hello',
    ];
    const { paths, leftOut } = await locateIn(set.nix, set.folder, [...packages, ...others]);
    const items = found(await resolveNames(set, packages));
    assert.deepEqual([...paths], items.map(({ name, path }) => [name, path])); // prettier-ignore
    assert.deepEqual(leftOut, []);
    assert.deepEqual(await locateIn(set.nix, set.folder, []), { paths: new Map(), leftOut: [] });
  },
);

test('a package that ends an evaluation takes no others down', { timeout: 120_000 }, async () => {
  const set = await debianSet();
  const packages = ['hello', 'aborting-hello', 'jq', 'which', 'tree'];
  const { paths, leftOut } = await locateIn(set.nix, set.folder, packages);
  assert.deepEqual([...paths.keys()].toSorted(), ['hello', 'jq', 'tree', 'which']);
  assert.deepEqual(leftOut, ['aborting-hello']);
});

test(
  'where nothing can be evaluated, it comes to an end all the same',
  { timeout: 120_000 },
  async context => {
    const nix = await emptyStore(context);
    const folder = await scratchSet(context, {});
    const names = Array.from({ length: 25 }, (_, index) => `p${index}`);
    const limits = { ...nix, evaluation: { seconds: 0.001, memoryMb: 4096 } };
    const { paths, leftOut } = await locateIn(limits, folder, names);
    assert.equal(paths.size, 0);
    assert.deepEqual(leftOut.toSorted(), names.toSorted());
  },
);

test('nothing is written or built for it', { timeout: 120_000 }, async context => {
  const nix = await emptyStore(context);
  const folder = await scratchSet(context, {
    plain: 'mkdir $out',
    // Its name is what a build says.
    imported: 'mkdir $out; echo ${builtins.readFile plain} >$out/name',
  });
  const { paths, leftOut } = await locateIn(nix, folder, ['plain', 'imported']);
  assert.deepEqual([...paths.keys()], ['plain']);
  assert.deepEqual(leftOut, ['imported']);
  const store = await readdir(join(nix.realPath(paths.get('plain') ?? assert.fail()), '..'));
  assert.deepEqual(store.filter(name => /plain|imported/.test(name)), []); // prettier-ignore
});
