// What the resolver makes of sources and of a deployment's arguments; the rules of names are in test/nix/resolve.test.ts.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { before, suite, test, type TestContext } from 'node:test';
import { PermanentError, TransientError } from '#core/errors.ts';
import { parseStorePath } from '#core/store-path.ts';
import { debianSet, found, NO_ARGUMENTS, SYSTEM, type DebianSet } from '#test/nix/debian-set.ts';
import { folderOf, setOf } from '#test/worker/nix/source-of.ts';
import { storeFolder } from '#test/worker/nix/store-folder.ts';
import { resolve } from '#worker/nix/resolve.ts';
import type { StoredSource } from '#worker/nix/stored-source.ts';

const signal = AbortSignal.timeout(60_000);
let set: DebianSet;
before(async () => {
  set = await debianSet();
});

const ask = async (
  source: StoredSource,
  packages: readonly string[] = ['one'],
  importArguments = NO_ARGUMENTS,
) => resolve(set.nix, { source, system: SYSTEM, packages, importArguments }, { signal });

/** Nix: a package of this name. */
const derivation = (name: string): string =>
  `(derivation { name = ${name}; system = "${SYSTEM}"; builder = "/b"; })`;

async function assertRefused(asked: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof PermanentError, String(error));
    assert.equal(error.failure.kind, 'unknown_source');
    assert.match(error.message, message);
    assert.ok(!error.message.includes(set.store), error.message);
    return true;
  });
}

suite('a package set', () => {
  test('may be no function', async context => {
    const source = await setOf(context, set.nix, `{ one = ${derivation('"one"')}; }`);
    assert.equal(found(await ask(source)).length, 1);
  });

  const functions: Record<string, [expression: string, name: string]> = {
    'that takes only the system': ['{ system }: { one = PACKAGE; }', '"one-${system}"'],
    'that takes nothing': ['{ }: { one = PACKAGE; }', '"one"'],
    'that takes the configuration, but no overlays': [
      '{ system, config }: { one = PACKAGE; }',
      '"one-${toString (builtins.attrNames config)}"',
    ],
    'that takes whatever there is': [
      'all: { one = PACKAGE; }',
      '"one-${toString (builtins.length all.overlays)}${all.system}"',
    ],
    'that takes more than it names': [
      '{ system, ... }@all: { one = PACKAGE; }',
      '"one${toString all.overlays}"',
    ],
  };
  for (const [name, [expression, text]] of Object.entries(functions)) {
    test(`may be a function ${name}`, async context => {
      const source = await setOf(context, set.nix, expression.replace('PACKAGE', derivation(text)));
      assert.equal(found(await ask(source)).length, 1);
    });
  }

  test('is read where it lies: it is not copied under another name', async context => {
    const source = await setOf(context, set.nix, `{ one = ${derivation('"${baseNameOf ./.}"')}; }`);
    const [item] = found(await ask(source));
    assert.ok(item?.drv.endsWith(`-${basename(source.path)}.drv`), item?.drv);
  });
});

suite('a source that is no package set is a permanent failure', () => {
  const cases: Record<string, [expression: string, message: RegExp]> = {
    'a string': ['"text"', /not a package set but a string/],
    'a function of a function': ['x: y: x', /not a package set but a lambda/],
    'a syntax error': ['{ one = ', /syntax error/],
    'one that throws': ['{ ... }: throw "this nixpkgs needs a newer Nix"', /this nixpkgs needs a newer Nix/],
    'one that wants more than there is': ['{ system, secret }: { }', /secret/],
  };
  for (const [name, [expression, message]] of Object.entries(cases)) {
    test(name, async context => assertRefused(ask(await setOf(context, set.nix, expression)), message));
  }

  test('a folder without an expression', async context => {
    const source = await storeFolder(set.nix, await folderOf(context, { 'README.md': '' }));
    await assertRefused(ask(source), /default\.nix/);
  });
});

suite('a source that is not what it was', () => {
  const path = parseStorePath(`/nix/store/${'0'.repeat(32)}-gone`);
  test('is no longer in the store: another try fetches it', async () => {
    const source = { ...set.source, path };
    await assert.rejects(ask(source), TransientError);
  });

  test('has another hash', async context => {
    const one = await setOf(context, set.nix, `{ one = ${derivation('"one"')}; }`);
    const other = await setOf(context, set.nix, `{ one = ${derivation('"other"')}; }`);
    await assertRefused(ask({ ...one, narHash: other.narHash }), /./);
  });
});

suite('a flake', () => {
  const lock = JSON.stringify({ nodes: { root: {} }, root: 'root', version: 7 });
  const flake = (outputs: string) => ({
    'flake.nix': `{ outputs = { self }: ${outputs}; }`,
    'flake.lock': lock,
  });

  const storeFlake = async (context: TestContext, outputs: string) =>
    storeFolder(set.nix, await folderOf(context, flake(outputs), 'source'), 'flake');

  test('has packages in legacyPackages, and in packages what is not there', async context => {
    const source = await storeFlake(
      context,
      `{
        legacyPackages.${SYSTEM} = { one = ${derivation('"legacy-one"')}; nested.two = ${derivation('"two"')}; };
        packages.${SYSTEM} = { one = ${derivation('"other-one"')}; Three = ${derivation('"three"')}; };
      }`,
    );
    const items = found(await ask(source, ['one', 'nested.two', 'three']));
    assert.deepEqual(
      items.map(({ drv }) => drv.slice(44)),
      ['legacy-one.drv', 'two.drv', 'three.drv'],
    );
  });

  test('may have only one of them', async context => {
    const source = await storeFlake(context, `{ packages.${SYSTEM}.one = ${derivation('"one"')}; }`);
    assert.equal(found(await ask(source)).length, 1);
  });

  test('that has nothing for this platform says so', async context => {
    const source = await storeFlake(context, `{ packages.riscv64-linux.one = 1; }`);
    await assertRefused(ask(source), /the flake has no packages for x86_64-linux/);
  });

  test('has to lock what it takes in', async context => {
    const folder = await folderOf(
      context,
      {
        'flake.nix': `{ inputs.other.url = "path:/nowhere"; outputs = { self, other }: { packages.${SYSTEM} = other; }; }`,
      },
      'source',
    );
    await assertRefused(ask(await storeFolder(set.nix, folder, 'flake')), /pinned by a hash/);
  });

  test('takes no overlay', async context => {
    const source = await storeFlake(context, `{ packages.${SYSTEM}.one = 1; }`);
    const asked = ask(source, ['one'], { config: {}, overlay: 'final: prev: { }' });
    await assertRefused(asked, /takes no overlays, and this registry is set up with one/);
  });
});

suite('the deployment', () => {
  const { config } = NO_ARGUMENTS;

  test('may allow what the package set refuses', async () => {
    const packages = ['unfree-hello', 'broken-hello'];
    const [unfree, broken] = await ask(set.source, packages, {
      config: { allowUnfree: true },
      overlay: undefined,
    });
    assert.equal(unfree?.kind, 'found');
    assert.equal(broken?.kind, 'refused');
  });

  test('may add packages, and take others in their place', async () => {
    const overlay = 'final: prev: { howdy = final.hello; hello = prev.jq; "more+" = prev.jq; }';
    const items = found(await ask(set.source, ['howdy', 'hello', 'jq', 'more__2b'], { config, overlay }));
    assert.equal(new Set(items.map(({ drv }) => drv)).size, 1);
  });

  test('hears of an overlay that is none', async () => {
    const overlay = 'final: prev: { one = ';
    await assertRefused(ask(set.source, ['hello'], { config, overlay }), /syntax error/);
  });

  test('hears of a package set that takes none', async context => {
    const overlay = 'final: prev: { }';
    for (const expression of ['{ system, config }: { }', '{ }']) {
      const source = await setOf(context, set.nix, expression);
      await assertRefused(ask(source, ['one'], { config, overlay }), /takes no overlays/);
    }
  });

  test('gives overlays to a set that takes them, though there be none: it looks for no others', async context => {
    const expression = `{ system, overlays ? throw "it looks for them" }: { one = builtins.seq (toString overlays) ${derivation('"one"')}; }`;
    assert.equal(found(await ask(await setOf(context, set.nix, expression))).length, 1);
  });
});
