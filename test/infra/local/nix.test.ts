import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { checkNix, nixConfig, nixVersion } from '#local/nix.ts';
import { StartError } from '#local/start-error.ts';
import { removeStore } from '#test/nix/debian-set.ts';

const signal = AbortSignal.timeout(60_000);

test('the version is one of Nix', async () => {
  assert.match(await nixVersion(), /^\d+\.\d+/);
});

suite('Nix can build', () => {
  for (const sources of [['debian'], ['channel'], ['debian', 'git']] as const) {
    test(`for ${sources.join(' and ')}, in a folder with spaces and signs`, async context => {
      const folder = await mkdtemp(join(tmpdir(), `derivery # "a" 'b' %20 $c \\ = ä-`));
      context.after(() => removeStore(folder));
      await checkNix({ store: join(folder, 'nix'), config: await nixConfig(...sources) }, signal);
    });
  }
});

test('a shell is never put into a folder of the machine: Nix would empty the one that is there', async () => {
  for (const sources of [['debian'], ['git'], ['debian', 'git'], ['path', 'debian', 'flake']] as const) {
    const paths =
      /^sandbox-paths = (?<paths>.*)$/m.exec(await nixConfig(...sources))?.groups?.['paths'] ?? '';
    const targets = paths.split(' ').map(path => path.replace(/[=?].*/, ''));
    for (const target of targets)
      assert.ok(!targets.some(other => target.startsWith(`${other}/`)), `${target} of ${paths}`);
  }
});

suite('why Nix cannot build is one sentence', () => {
  const cases: readonly [name: string, store: string, config: string, message: RegExp][] = [
    [
      'a path that Nix takes for parameters',
      '/tmp/a?b',
      '',
      /no store whose path has a "\?" \(\/tmp\/a\?b\)/,
    ],
    ['a store that cannot be', '/proc/none', '', /^Nix cannot use its store: .*\/proc\/none/],
  ];
  for (const [name, store, config, message] of cases) {
    test(name, async () => {
      await assert.rejects(checkNix({ store, config }, signal), (error: unknown) => {
        assert.ok(error instanceof StartError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  test('builders that find no shell', async context => {
    const folder = await mkdtemp(join(tmpdir(), 'derivery-'));
    context.after(() => removeStore(folder));
    const config = 'build-users-group =\nsandbox-paths =\n';
    await assert.rejects(checkNix({ store: folder, config }, signal), /^StartError: Nix cannot build here: /);
  });

  test('Nix is not installed', async context => {
    const path = process.env['PATH'];
    context.after(() => (process.env['PATH'] = path));
    process.env['PATH'] = '/nowhere';
    await assert.rejects(nixVersion(), /^StartError: Nix is not installed: install nix-bin/);
  });
});
