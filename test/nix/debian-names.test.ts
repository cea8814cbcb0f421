// What the package set has for the sake of names: attributes that are hard to spell, outputs, programs of one name.
import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { build, debianSet, found, resolveNames, SYSTEM, type DebianSet } from '#test/nix/debian-set.ts';
import { runInClosure } from '#test/nix/run-closure.ts';
import { runNix } from '#worker/nix/run-nix.ts';

let set: DebianSet;
before(async () => {
  set = await debianSet();
});

test('an attribute may have a plus, capitals, a dot, or a digit first', async () => {
  const names = ['hello', 'hello+', 'nested.camelcase.hello', 'Nested.CamelCase.Hello', '2hello'];
  const items = found(await resolveNames(set, names));
  assert.deepEqual(
    items.map(({ attribute }) => attribute),
    ['hello', 'hello+', 'Nested.CamelCase.Hello', 'Nested.CamelCase.Hello', '_2hello'],
  );
  assert.equal(new Set(items.map(({ path }) => path)).size, 1);
  assert.equal(await evaluate('set."dotted.hello".outPath == set.hello.outPath'), 'true');
});

test('a store path may have a plus', async () => {
  const [library] = await build(set, ['libsigc++']);
  assert.ok(library);
  assert.match(library.path, /-libsigc\+\+-2\.[0-9.]+$/);
  await access(join(set.nix.realPath(library.path), 'lib/libsigc-2.0.so.0'));
});

test('an output that is asked for has its files', async () => {
  const files: Readonly<Record<string, string>> = {
    'openssl.dev': 'include/openssl/ssl.h',
    'openssl.bin': 'bin/openssl',
    'openssl.out': 'lib/libssl.so.3',
    'sqlite.dev': 'include/sqlite3.h',
  };
  for (const { name, path } of await build(set, Object.keys(files))) {
    await access(join(set.nix.realPath(path), String(files[name])));
  }
});

suite('packages with one program', () => {
  const priorities = { greet: 'null', 'greet-high': '-10', 'greet-low': '10' };
  for (const [name, priority] of Object.entries(priorities)) {
    test(`${name}: its priority is ${priority}, and it runs`, async () => {
      assert.equal(await evaluate(`set.${name}.meta.priority or null`), priority);
      const [bash, greet] = await build(set, ['bash', name]);
      assert.ok(bash && greet);
      assert.equal(greet.mainProgram, 'greet');
      assert.equal(await runInClosure(set, [greet], bash, 'greet'), name);
    });
  }
});

test('main programs are those that nixpkgs names', async () => {
  const programs = {
    bash: 'bash',
    bashInteractive: 'bash',
    coreutils: null,
    curl: 'curl',
    file: 'file',
    gcc: 'gcc',
    git: 'git',
    gnugrep: 'grep',
    gnutar: 'tar',
    hello: 'hello',
    jq: 'jq',
    moreutils: null,
    nano: 'nano',
    openssl: 'openssl',
    perl: 'perl',
    python3: 'python3',
    ripgrep: 'rg',
    sqlite: 'sqlite3',
    zstd: 'zstd',
  };
  const items = found(await resolveNames(set, Object.keys(programs)));
  assert.deepEqual(Object.fromEntries(items.map(({ name, mainProgram }) => [name, mainProgram])), programs);
});

/** What an expression over `set` is, as JSON. */
async function evaluate(expression: string): Promise<string> {
  const whole = `{ folder, system }: let set = import (/. + folder) { inherit system; }; in ${expression}`;
  const parameters = ['--argstr', 'folder', set.folder, '--argstr', 'system', SYSTEM];
  const args = ['--eval', '--strict', '--json', '--expr', whole, ...parameters];
  const { stdout } = await runNix(set.nix, 'nix-instantiate', args, { signal: AbortSignal.timeout(60_000) });
  return stdout.trim();
}
