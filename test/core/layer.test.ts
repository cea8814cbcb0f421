import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { layerKey, linksLayerKey } from '#core/layer.ts';
import { parseStorePath } from '#core/store-path.ts';
import { closure } from './arbitraries.ts';

const GZIP = 'gzip-6';

describe('layer key', () => {
  test('stands: facts in the database are found by it', () => {
    const nodes = [
      { path: parseStorePath('/nix/store/00000000000000000000000000000000-a'), narHash: 'sha256:1' },
      { path: parseStorePath('/nix/store/00000000000000000000000000000000-b'), narHash: 'sha256:2' },
    ];
    assert.equal(layerKey(nodes, GZIP), '4e72c7e8f56310f365b2001269e56e465fa8a9ad1a2af8fc61a19ecdd9e0673f');
    assert.equal(
      linksLayerKey(nodes, GZIP),
      'f46ea85175cfefc4ef73baaf264a8303d96ddd6f20c10fdff16ee282d5dc5cb5',
    );
  });

  test('does not depend on the order of the paths; that of links does', () => {
    fc.assert(
      fc.property(closure, nodes => {
        const reversed = nodes.toReversed();
        assert.equal(layerKey(nodes, GZIP), layerKey(reversed, GZIP));
        assert.equal(linksLayerKey(nodes, GZIP) === linksLayerKey(reversed, GZIP), nodes.length < 2);
      }),
    );
  });

  test('depends on every path, the hash of its content, the compressor, and what the layer is', () => {
    fc.assert(
      fc.property(closure, nodes => {
        const [first, ...rest] = nodes;
        fc.pre(first !== undefined);
        const keys = [
          layerKey(nodes, GZIP),
          layerKey(rest, GZIP),
          layerKey([{ ...first, narHash: `${first.narHash}x` }, ...rest], GZIP),
          layerKey(nodes, 'gzip-9'),
          linksLayerKey(nodes, GZIP),
          linksLayerKey([{ ...first, narHash: `${first.narHash}x` }, ...rest], GZIP),
          linksLayerKey(nodes, 'gzip-9'),
        ];
        assert.equal(new Set(keys).size, keys.length);
      }),
    );
  });

  test('is not forged by what a hash may look like', () => {
    const path = parseStorePath('/nix/store/00000000000000000000000000000000-a');
    assert.notEqual(
      layerKey([{ path, narHash: '1' }, { path, narHash: '2' }], GZIP),
      layerKey([{ path, narHash: `1"],["${path}","2` }], GZIP),
    ); // prettier-ignore
  });
});
