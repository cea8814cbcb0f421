import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toIntegrity } from '#worker/nix/nix-hash.ts';

test('the same hash, in the form of flakes', () => {
  // As Nix 2.8 converts it (nix hash to-sri). The first is that of nothing.
  const cases = {
    'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73':
      'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    'sha256:1vzks438h85zlkg9mzr2gam9xwxv5g2gwrs9qljsy123bw6w8993':
      'sha256-IyXEDV9DBK8lxUln/sQru/Oeqnoi/5repL8giAbR8+8=',
  };
  for (const [hash, integrity] of Object.entries(cases)) assert.equal(toIntegrity(hash), integrity);
});

test('what is no such hash is refused', () => {
  for (const hash of ['', 'sha256:', 'sha256:e'.padEnd(59, 'e'), `sha512:${'0'.repeat(52)}`])
    assert.throws(() => toIntegrity(hash), /is not a SHA-256/);
});
