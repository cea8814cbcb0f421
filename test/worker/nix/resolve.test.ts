// What the resolver makes of sources; the rules of names are in test/nix/resolve.test.ts.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test, type TestContext } from 'node:test';
import { execa } from 'execa';
import { PermanentError, TransientError } from '#core/errors.ts';
import { debianSet, found, SYSTEM, type DebianSet } from '#test/nix/debian-set.ts';
import { scratchSet } from '#test/worker/nix/scratch-set.ts';
import { resolve, type NixSource } from '#worker/nix/resolve.ts';

const signal = AbortSignal.timeout(60_000);
let set: DebianSet;
before(async () => {
  set = await debianSet();
});

const ask = async (source: NixSource, packages: readonly string[] = ['one']) =>
  resolve(set.nix, { source, system: SYSTEM, packages }, { signal });

async function folderWith(context: TestContext, expression: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'derivery-source-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'default.nix'), expression);
  return folder;
}

test('a package is the same from a path, a tarball and a git revision', async context => {
  const folder = await scratchSet(context, { one: 'echo one >$out' });
  const tarball = `${folder}.tar.gz`;
  context.after(() => rm(tarball));
  const git = ['-C', folder, '-c', 'user.name=n', '-c', 'user.email=e'];
  await execa('git', [...git, 'init', '--quiet', '--initial-branch=main']);
  await execa('git', [...git, 'add', '.']);
  await execa('git', [...git, 'commit', '--quiet', '-m', 'one']);
  const { stdout: rev } = await execa('git', [...git, 'rev-parse', 'HEAD']);
  await execa('git', [...git, 'archive', '--prefix=set/', `--output=${tarball}`, 'HEAD']);
  const sources: NixSource[] = [
    { path: folder },
    { tarball: `file://${tarball}` },
    { git: { url: `file://${folder}`, rev, ref: 'refs/heads/main' } },
  ];
  const drvs = new Set<string>();
  for (const source of sources) {
    for (const { drv } of found(await ask(source))) drvs.add(drv);
  }
  assert.equal(drvs.size, 1);
});

test('a set may be no function', async context => {
  const folder = await folderWith(
    context,
    '{ one = derivation { name = "one"; system = "x"; builder = "/b"; }; }',
  );
  assert.equal(found(await ask({ path: folder })).length, 1);
});

suite('a source that is no package set is a permanent failure', () => {
  const cases: Record<string, [expression: string, message: RegExp]> = {
    'a string': ['"text"', /not a package set but a string/],
    'a function of a function': ['x: y: x', /not a package set but a lambda/],
    'a syntax error': ['{ one = ', /syntax error/],
    'one that throws': ['{ ... }: throw "this nixpkgs needs a newer Nix"', /this nixpkgs needs a newer Nix/],
  };
  for (const [name, [expression, message]] of Object.entries(cases)) {
    test(name, async context => {
      const folder = await folderWith(context, expression);
      await assert.rejects(ask({ path: folder }), (error: unknown) => {
        assert.ok(error instanceof PermanentError, String(error));
        assert.equal(error.failure.kind, 'unknown_source');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('a folder that is not there', async () => {
    await assert.rejects(ask({ path: '/nowhere' }), PermanentError);
  });
});

test('a source that cannot be fetched now is a transient failure', async () => {
  // Nobody listens on port 1. Nix would try again for a while.
  const environment = {
    ...set.nix.environment,
    NIX_CONFIG: `${set.nix.environment['NIX_CONFIG']}\ndownload-attempts = 1\n`,
  };
  const request = { source: { tarball: 'http://127.0.0.1:1/x.tar.gz' }, system: SYSTEM, packages: ['one'] };
  await assert.rejects(resolve({ ...set.nix, environment }, request, { signal }), TransientError);
});

test('the package set sees no configuration of the user', async context => {
  const folder = await folderWith(
    context,
    '{ system, config }: { one = derivation { name = builtins.getEnv "NIXPKGS_ALLOW_UNFREE" + builtins.toJSON (builtins.attrNames config) + "x"; inherit system; builder = "/b"; }; }',
  );
  process.env['NIXPKGS_ALLOW_UNFREE'] = 'seen';
  context.after(() => delete process.env['NIXPKGS_ALLOW_UNFREE']);
  const [item] = await ask({ path: folder });
  assert.ok(item?.kind === 'failed');
  assert.doesNotMatch(item.message, /seen/);
});
