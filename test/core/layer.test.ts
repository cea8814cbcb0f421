import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { layerKey, linksLayerKey } from '#core/layer.ts';
import { parseStorePath } from '#core/store-path.ts';
import { closure } from './arbitraries.ts';

const GZIP = { compressor: 'gzip-6', owner: { uid: 0, gid: 0 } };
const OTHERS = [
  { ...GZIP, compressor: 'gzip-9' },
  { ...GZIP, owner: { uid: 1, gid: 0 } },
  { ...GZIP, owner: { uid: 0, gid: 1 } },
];
const LINKS = { ...GZIP, user: 'root' } as const;

describe('layer key', () => {
  test('stands: facts in the database are found by it', () => {
    const nodes = [
      { path: parseStorePath('/nix/store/00000000000000000000000000000000-a'), narHash: 'sha256:1' },
      { path: parseStorePath('/nix/store/00000000000000000000000000000000-b'), narHash: 'sha256:2' },
    ];
    assert.equal(layerKey(nodes, GZIP), '7b38c57e3bd15cf6469d6a47ef1caf976d14cb607a97c8a232af54d0824c31c5');
    assert.equal(
      linksLayerKey(nodes, LINKS),
      '7d014615042e8cde35502596115c04891fcb8e3456e5712e406aef7bd5a96b15',
    );
  });

  test('does not depend on the order of the paths; that of links does', () => {
    fc.assert(
      fc.property(closure, nodes => {
        const reversed = nodes.toReversed();
        assert.equal(layerKey(nodes, GZIP), layerKey(reversed, GZIP));
        assert.equal(linksLayerKey(nodes, LINKS) === linksLayerKey(reversed, LINKS), nodes.length < 2);
      }),
    );
  });

  test('T26: depends on every path, the hash of its content, the compressor, the owner, and what the layer is', () => {
    fc.assert(
      fc.property(closure, nodes => {
        const [first, ...rest] = nodes;
        fc.pre(first !== undefined);
        const keys = [
          layerKey(nodes, GZIP),
          layerKey(rest, GZIP),
          layerKey([{ ...first, narHash: `${first.narHash}x` }, ...rest], GZIP),
          ...OTHERS.map(other => layerKey(nodes, other)),
          linksLayerKey(nodes, LINKS),
          linksLayerKey([{ ...first, narHash: `${first.narHash}x` }, ...rest], LINKS),
          linksLayerKey(nodes, { ...LINKS, user: 'nonroot' }),
          ...OTHERS.map(other => linksLayerKey(nodes, { ...LINKS, ...other })),
        ];
        assert.equal(new Set(keys).size, keys.length);
      }),
    );
  });

  test('T25: is not forged by what a hash may look like', () => {
    const path = parseStorePath('/nix/store/00000000000000000000000000000000-a');
    assert.notEqual(
      layerKey([{ path, narHash: '1' }, { path, narHash: '2' }], GZIP),
      layerKey([{ path, narHash: `1"],["${path}","2` }], GZIP),
    ); // prettier-ignore
  });
});
