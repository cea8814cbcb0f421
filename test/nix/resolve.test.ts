// nix/resolve.nix by way of the worker's resolver: every rule of names, and every way a name can be wrong.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { debianSet, found, resolveNames, type DebianSet } from '#test/nix/debian-set.ts';
import { folderOf } from '#test/worker/nix/source-of.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import type { WrittenAttribute } from '#worker/nix/written-attribute.ts';

let set: DebianSet;
before(async () => {
  set = await debianSet();
});

suite('names that are found', () => {
  const cases: readonly [name: string, attribute: string, output: string, mainProgram: string | null][] = [
    ['hello', 'hello', 'out', 'hello'],
    ['bashinteractive', 'bashInteractive', 'out', 'bash'],
    ['bashInteractive', 'bashInteractive', 'out', 'bash'],
    ['iana-etc', 'iana-etc', 'out', null],
    ['xorg.xev', 'xorg.xev', 'out', 'xev'],
    ['perlpackages.json', 'perlPackages.JSON', 'out', null],
    ['python3packages.six', 'python3Packages.six', 'out', null],
    // A digit cannot begin a name in Nix.
    ['7zz', '_7zz', 'out', '7zz'],
    // The default output is the first, not the one called out.
    ['sqlite', 'sqlite', 'bin', 'sqlite3'],
    // What a package says of itself, each of its outputs does.
    ['sqlite.bin', 'sqlite.bin', 'bin', 'sqlite3'],
    ['sqlite.out', 'sqlite.out', 'out', 'sqlite3'],
    ['openssl.dev', 'openssl.dev', 'dev', 'openssl'],
    // As `pkgs` in nixpkgs.
    ['pkgs.pkgs.hello', 'pkgs.pkgs.hello', 'out', 'hello'],
    ['pkgs.pkgs.pkgs.pkgs.pkgs.hello', 'pkgs.pkgs.pkgs.pkgs.pkgs.hello', 'out', 'hello'],
  ];
  test('each with its attribute, output and main program, in the order asked', async () => {
    const items = await resolveNames(
      set,
      cases.map(([name]) => name),
    );
    assert.deepEqual(
      items.map(item =>
        item.kind === 'found' ? [item.name, item.attribute, item.output, item.mainProgram] : item,
      ),
      cases,
    );
  });

  test('an output lies where its name says', async () => {
    const [item] = await resolveNames(set, ['openssl.dev']);
    assert.equal(item?.kind, 'found');
    assert.match(item.path, /^\/nix\/store\/[a-z0-9]{32}-openssl-3[0-9.]*-dev$/);
    assert.match(item.drv, /-openssl-3[0-9.]*\.drv$/);
  });
});

suite('names that are not', () => {
  const near = (written: string, attribute = written): WrittenAttribute[] => [{ attribute, written }];

  test('each with its reason, beside one that is found', async () => {
    const wrong = {
      gti: { kind: 'not_found', near: near('git') },
      'xorg.xew': { kind: 'not_found', near: near('xorg.xev') },
      // What follows the set that is not there has to be in the one that is like it.
      'xrog.xev': { kind: 'not_found', near: near('xorg.xev') },
      'xrog.hello': { kind: 'not_found', near: near('hello') },
      // In a set where nixpkgs keeps such packages.
      xev: { kind: 'not_found', near: near('xorg.xev') },
      'perlpackages.six': { kind: 'not_found', near: near('python3packages.six', 'python3Packages.six') },
      // There is a "lib", but it is no package; and "removed-hello" is only words.
      libb: { kind: 'not_found', near: [] },
      'removed-helo': { kind: 'not_found', near: [] },
      'openssl.doc': { kind: 'not_found', near: [] },
      'hello.': { kind: 'not_found', near: [] },
      'lib.id.x': { kind: 'not_found', near: [] },
      'pkgs.pkgs.pkgs.pkgs.pkgs.pkgs.hello': { kind: 'not_found', near: [] },
      'twin-hello': {
        kind: 'ambiguous',
        candidates: [
          { attribute: 'Twin-hello', written: '0__54win-hello' },
          { attribute: 'twin-Hello', written: 'twin__2d__48ello' },
        ],
      },
      'pkgs.twin-hello.out': {
        kind: 'ambiguous',
        candidates: [
          { attribute: 'pkgs.Twin-hello.out', written: 'pkgs.0__54win-hello.out' },
          { attribute: 'pkgs.twin-Hello.out', written: 'pkgs.twin__2d__48ello.out' },
        ],
      },
      lib: { kind: 'not_a_package', type: 'set' },
      'lib.version': { kind: 'not_a_package', type: 'string' },
      'lib.id': { kind: 'not_a_package', type: 'lambda' },
      'unfree-hello': {
        kind: 'refused',
        reasons: ['unfree'],
        message:
          /^Package ‘unfree-hello-2[0-9.]+’ has an unfree license \(‘unfree’\), refusing to evaluate\.$/,
      },
      'broken-hello': { kind: 'refused', reasons: ['broken'], message: /is marked as broken/ },
      'insecure-hello': { kind: 'refused', reasons: ['insecure'], message: /is marked as insecure/ },
      'unsupported-hello': {
        kind: 'refused',
        reasons: ['unsupported'],
        message: /is not available on the requested hostPlatform/,
      },
      'removed-hello': { kind: 'removed', message: /^removed-hello has been removed, use hello$/ },
    };
    const [hello, ...items] = await resolveNames(set, ['hello', ...Object.keys(wrong)]);
    assert.equal(hello?.kind, 'found');
    for (const [index, [name, expected]] of Object.entries(wrong).entries()) {
      const { message, ...rest } = { message: undefined, ...expected };
      const { message: actual, ...item } = { message: undefined, ...items[index] };
      assert.deepEqual(item, { name, ...rest });
      if (message !== undefined) assert.match(String(actual), message);
    }
  });

  const ending = {
    'aborting-hello': /this cannot be caught/,
    'recursive-hello': /infinite recursion/,
    'mistyped-hello': /attribute 'noSuchAttribute' missing/,
  };
  test('what ends the evaluation is said of its own name only', async () => {
    const items = await resolveNames(set, ['hello', ...Object.keys(ending), 'gti', 'unfree-hello']);
    assert.deepEqual(
      items.map(({ kind }) => kind),
      ['found', 'failed', 'failed', 'failed', 'not_found', 'refused'],
    );
    for (const [name, message] of Object.entries(ending)) {
      const item = items.find(one => one.name === name);
      assert.ok(item?.kind === 'failed', name);
      assert.match(item.message, message);
    }
  });
});

suite('names that attack', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'derivery-canary-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  const write = (): string => join(folder, 'canary');
  const hostile = (): string[] => [
    `$(touch ${write()})`,
    `\`touch ${write()}\``,
    `; touch ${write()} #`,
    `\${builtins.toFile "canary" "x"}`,
    `''\${builtins.readFile "/etc/passwd"}''`,
    `" + builtins.readFile "/etc/passwd" + "`,
    `"; in abort "hacked`,
    `@${write()}`,
    'hello\nhello',
    'hello\0',
    '--option',
    '--expr',
    '-A',
    'hello!out',
    '../../etc/passwd',
    '<nixpkgs>',
    'constructor',
    '__proto__',
    'hello.__functor',
    'hello.drvPath',
    'hello.meta',
    'nixosTests',
    '\ud800',
    '',
    '.',
    '..',
    'x'.repeat(100_000),
  ];

  test('T16, T17: are names that are not there, and nothing else', async () => {
    const names = hostile();
    const items = await resolveNames(set, ['hello', ...names]);
    const [first, ...rest] = items;
    assert.equal(first?.kind, 'found');
    for (const [index, item] of rest.entries()) {
      const wanted = names[index] ?? '';
      const kind = ['hello.drvPath', 'hello.meta'].includes(wanted) ? 'not_a_package' : 'not_found';
      assert.equal(item.kind, kind, wanted.slice(0, 50));
    }
    assert.deepEqual(await readdir(folder), [], 'a canary was written');
  });

  test('T16: whatever their characters', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 50, maxLength: 50 }),
        async names => {
          const items = await resolveNames(set, names);
          assert.deepEqual(
            items.map(({ kind }) => kind),
            names.map(() => 'not_found'),
          );
        },
      ),
      { numRuns: 5 },
    );
  });
});

test('T21: the name itself comes before those that differ in case', async context => {
  const folder = await scratchSet(context, {
    hello: 'echo 1',
    Hello: 'echo 2',
    HELLO: 'echo 3',
    World: '',
    _1a: '',
  });
  const names = ['hello', 'Hello', 'hELLO', 'world', '1a', '1A'];
  const items = await resolveNames(set, names, folder);
  assert.deepEqual(
    items.map(item => (item.kind === 'found' ? item.attribute : item.kind)),
    ['hello', 'Hello', 'ambiguous', 'World', '_1a', '_1a'],
  );
});

test('the priority of a package is its own, and else nixpkgs’ default', async context => {
  const priorities = {
    own: '{ priority = -10; }',
    fraction: '{ priority = 1.5; }',
    none: '{ }',
    text: '{ priority = "high"; }',
    thrown: '{ priority = throw "no"; }',
    infinite: '{ priority = 1.0e200 * 1.0e200; }',
  };
  const folder = await folderOf(context, {
    'default.nix': `{ system, ... }: builtins.mapAttrs (name: meta:
      derivation { inherit name system; builder = "/b"; } // { inherit meta; }) {
        ${Object.entries(priorities)
          .map(([name, meta]) => `${name} = ${meta};`)
          .join('\n')}
      }`,
  });
  const items = found(await resolveNames(set, Object.keys(priorities), folder));
  assert.deepEqual(
    items.map(({ priority }) => priority),
    [-10, 1.5, 5, 5, 5, 5],
  );
});

test('T17: sets of tests are out of reach', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-set-'));
  try {
    await writeFile(
      join(folder, 'default.nix'),
      '{ system, ... }: let p = derivation { inherit system; name = "p"; builder = "/bin/sh"; }; in { inherit p; nixosTests.p = p; q = p // { tests.p = p; }; }',
    );
    const items = await resolveNames(set, ['p', 'q', 'nixostests.p', 'nixosTests.p', 'q.tests.p'], folder);
    assert.deepEqual(
      items.map(({ kind }) => kind),
      ['found', 'found', 'not_found', 'not_found', 'not_found'],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a set as large as nixpkgs is searched in moments', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-set-'));
  try {
    await writeFile(
      join(folder, 'default.nix'),
      `{ system, ... }: builtins.listToAttrs (builtins.genList (n: {
         name = "package-\${toString n}";
         value = if n < 70 then derivation { name = "x"; inherit system; builder = "/b"; } else throw "it is looked at";
       }) 20000)`,
    );
    const names = Array.from({ length: 64 }, (_, index) => `pakcage-${index}`);
    const items = await resolveNames(set, names, folder);
    assert.deepEqual(items[7], {
      kind: 'not_found',
      name: 'pakcage-7',
      near: ['package-7', 'package-0', 'package-1'].map(name => ({ attribute: name, written: name })),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
