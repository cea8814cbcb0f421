import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { snapshotFolder, snapshotName, type SnapshotSubject } from '#core/snapshot-name.ts';
import { packageSource } from './arbitraries.ts';
import { IMAGE_SETTINGS } from './deployment.ts';

const subject: SnapshotSubject = {
  source: { kind: 'git', url: 'https://example.org/set' },
  revision: 'r1',
  platform: 'linux/amd64',
  settings: {
    contents: ['which', 'jq'],
    importArguments: { config: { a: 1, b: { c: 2, d: 3 } }, overlay: undefined },
  },
};

function named(changes: Partial<SnapshotSubject>): string {
  return snapshotName({ ...subject, ...changes });
}

test('a snapshot is named by all that it is made from, however that is written', () => {
  const { contents, importArguments } = subject.settings;
  const name = named({});
  assert.match(name, /^snapshots\/[0-9a-f]{64}\/[0-9a-f]{64}\/linux-amd64-[0-9a-f]{64}\.json\.gz$/);
  for (const settings of [
    { contents: ['jq', 'which', 'jq'], importArguments },
    { contents, importArguments: { config: { b: { d: 3, c: 2 }, a: 1 }, overlay: undefined } },
    // Whose files they are, or how many layers there may be, is nothing to a snapshot.
    { ...IMAGE_SETTINGS, layerBudget: 3, owner: { uid: 3, gid: 3 }, contents, importArguments },
  ]) {
    assert.equal(named({ settings }), name);
  }
  const others = [
    named({ source: { kind: 'git', url: 'https://example.org/other' } }),
    named({ revision: 'r2' }),
    named({ platform: 'linux/arm64' }),
    named({ settings: { contents: ['jq'], importArguments } }),
    named({ settings: { contents, importArguments: { ...importArguments, config: {} } } }),
    named({ settings: { contents, importArguments: { ...importArguments, overlay: 'f: p: {}' } } }),
  ];
  assert.equal(new Set([name, ...others]).size, 7);
});

test('a channel and a commit of it are one source', () => {
  const at = (name: string): string => named({ source: { kind: 'channel', name } });
  assert.equal(at('nixos-26.05'), at('5f2a0b1c5f2a0b1c5f2a0b1c5f2a0b1c5f2a0b1c'));
});

test('what is of one revision lies in one folder, whose name is safe', () => {
  fc.assert(
    fc.property(packageSource, fc.string(), (source, revision) => {
      const folder = snapshotFolder({ source, revision });
      assert.match(folder, /^snapshots\/[0-9a-f]{64}\/[0-9a-f]{64}\/$/);
      assert.ok(named({ source, revision }).startsWith(folder));
    }),
  );
});
