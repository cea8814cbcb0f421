import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageSource } from '#core/package-source.ts';
import { labelsOf } from '#worker/image/labels.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

const rows: readonly [source: PackageSource, ref: string, address: string, version: string][] = [
  [{ kind: 'channel', name: 'nixos-26.05' }, 'latest', 'https://github.com/NixOS/nixpkgs', 'nixos-26.05'],
  [{ kind: 'channel', name: COMMIT }, 'latest', 'https://github.com/NixOS/nixpkgs', COMMIT],
  [{ kind: 'git', url: 'https://a.example/set' }, 'feature/x', 'https://a.example/set', 'feature/x'],
  // Nobody has a name for what these are at but their revision.
  [{ kind: 'git', url: 'https://a.example/set' }, 'latest', 'https://a.example/set', 'r1'],
  [{ kind: 'path', folder: '/set' }, 'latest', 'file:///set', 'r1'],
  [{ kind: 'flake', reference: 'github:a/b' }, 'latest', 'github:a/b', 'r1'],
  [{ kind: 'debian' }, 'latest', 'debian', 'r1'],
];

for (const [source, ref, address, version] of rows) {
  test(`an image says that it comes from ${source.kind} at ${version}`, () => {
    assert.deepEqual(labelsOf({ source, ref }, 'r1'), {
      'org.opencontainers.image.revision': 'r1',
      'org.opencontainers.image.source': address,
      'org.opencontainers.image.version': version,
    });
  });
}
