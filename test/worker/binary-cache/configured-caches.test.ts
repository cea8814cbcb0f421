import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from '#test/worker/pack/trees.ts';
import { configuredCaches } from '#worker/binary-cache/configured-caches.ts';

describe('the binary caches of a Nix', () => {
  const cases: readonly [what: string, config: string, caches: readonly string[]][] = [
    ['that is told nothing are its own', '', ['https://cache.nixos.org/']],
    ['are those it is told', 'substituters = https://a https://b\n', ['https://a', 'https://b']],
    ['may be none', 'substituters =', []],
    ['come to others', 'extra-substituters = https://a', ['https://cache.nixos.org/', 'https://a']],
    ['are each there once', 'substituters = https://a https://a', ['https://a']],
    [
      'have older names',
      'binary-caches = https://a # x\nextra-binary-caches = https://b',
      ['https://a', 'https://b'],
    ],
    ['are not used where that is switched off', 'substituters = https://a\nsubstitute = false', []],
    [
      'are what is said last',
      'substitute = false\nsubstituters = https://a\nsubstitute = true',
      ['https://a'],
    ],
    [
      'are not in a comment',
      '#substituters = https://a\nsubstituters=https://b',
      ['https://cache.nixos.org/'],
    ],
  ];
  for (const [what, config, caches] of cases) {
    test(what, async () => {
      const environment = { HOME: '/nonexistent', NIX_CONFIG: config };
      assert.deepEqual(await configuredCaches(environment, '/nonexistent'), caches);
    });
  }

  test('are said by the machine, files that it includes, the user, and the worker, in this order', async context => {
    const folder = temporaryFolder(context);
    const system = join(folder, 'nix.conf');
    writeFileSync(system, 'substituters = https://machine\n!include missing.conf\ninclude more.conf\n');
    writeFileSync(join(folder, 'more.conf'), 'extra-substituters = https://included\n');
    const caches = (NIX_CONFIG: string): Promise<readonly string[]> =>
      configuredCaches({ HOME: folder, NIX_CONFIG }, system);
    assert.deepEqual(await caches(''), ['https://machine', 'https://included']);

    mkdirSync(join(folder, '.config/nix'), { recursive: true });
    writeFileSync(join(folder, '.config/nix/nix.conf'), 'extra-substituters = https://user\n');
    assert.deepEqual(await caches(''), ['https://machine', 'https://included', 'https://user']);
    assert.deepEqual(await caches('substituters = https://worker'), ['https://worker']);
  });
});
