import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildError } from '#build/build-error.ts';
import { pinPackages } from '#build/pinned-packages.ts';

const DESCRIPTION = { name: 'deployed', version: '1.0.0', engines: { node: '24.x' } };

const LOCK = {
  lockfileVersion: 3 as const,
  packages: {
    '': { version: '1.0.0' },
    'node_modules/a': {
      version: '1.2.3',
      integrity: 'sha512-a',
      resolved: 'https://registry.example/a.tgz',
      dependencies: { b: '^1.0.0', c: '^2.0.0' },
      optionalDependencies: { 'a-here': '1.2.3', 'a-elsewhere': '1.2.3' },
    },
    'node_modules/a-here': { version: '1.2.3', optional: true, os: ['linux'] },
    'node_modules/b': { version: '1.1.0', dev: true },
    'node_modules/c': { version: '1.0.0' },
    'node_modules/a/node_modules/c': { version: '2.0.0', dependencies: { b: '1', d: '1' } },
    'node_modules/d': { version: '1.0.0', dependencies: { a: '1' } },
    'node_modules/unused': { version: '9.0.0' },
  },
};

test('a lock of what some packages need has that, at its place, and nothing else', () => {
  const { manifest, lockfile } = pinPackages(LOCK, ['a'], DESCRIPTION);
  assert.deepEqual(manifest, { ...DESCRIPTION, dependencies: { a: '1.2.3' } });
  assert.deepEqual(lockfile, {
    name: 'deployed',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': manifest,
      'node_modules/a': {
        version: '1.2.3',
        integrity: 'sha512-a',
        dependencies: { b: '^1.0.0', c: '^2.0.0' },
        // npm ci refuses what the lock names and has not.
        optionalDependencies: { 'a-here': '1.2.3' },
      },
      'node_modules/a-here': { version: '1.2.3', optional: true, os: ['linux'] },
      'node_modules/a/node_modules/c': { version: '2.0.0', dependencies: { b: '1', d: '1' } },
      'node_modules/b': { version: '1.1.0' },
      'node_modules/d': { version: '1.0.0', dependencies: { a: '1' } },
    },
  });
});

test('a package that the lock has not is told by its name', () => {
  assert.throws(
    () => pinPackages(LOCK, ['e'], DESCRIPTION),
    new BuildError('package-lock.json has no e: run npm install first'),
  );
});
