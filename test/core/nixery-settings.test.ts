import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sourceIn } from '#core/nixery-settings.ts';

describe('the package source that is set', () => {
  const all = {
    DERIVERY_SOURCE: 'debian',
    NIXERY_CHANNEL: 'nixos-unstable',
    NIXERY_PKGS_REPO: 'git@github.com:NixOS/nixpkgs.git',
    NIXERY_PKGS_PATH: '/srv/nixpkgs',
  };

  test('is Derivery’s, then Nixery’s in Nixery’s order', () => {
    const environment: Record<string, string> = { ...all };
    const seen: unknown[] = [];
    for (let source = sourceIn(environment); source !== undefined; source = sourceIn(environment)) {
      seen.push([source.variable, source.source]);
      delete environment[source.variable];
    }
    assert.deepEqual(seen, [
      ['DERIVERY_SOURCE', 'debian'],
      ['NIXERY_CHANNEL', 'channel:nixos-unstable'],
      ['NIXERY_PKGS_REPO', 'git:git@github.com:NixOS/nixpkgs.git'],
      ['NIXERY_PKGS_PATH', 'path:/srv/nixpkgs'],
    ]);
  });

  test('is none where nothing is set', () =>
    assert.equal(sourceIn({ NIXERY_STORAGE_BACKEND: 'gcs' }), undefined));
});
