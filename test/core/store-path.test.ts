import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseStorePath, storePathName } from '#core/store-path.ts';

const HASH = '0123456789abcdfghijklmnpqrsvwxyz';

describe('store path', () => {
  for (const name of ['a', 'bash-5.2.15', '7zip', 'gtk+-3.0', 'x_y?z=1', 'x'.repeat(211)]) {
    test(`${name.slice(0, 20)} is the name of one`, () => {
      assert.equal(storePathName(parseStorePath(`/nix/store/${HASH}-${name}`)), name);
    });
  }

  const others = [
    '', '/', '/nix/store', `/nix/store/${HASH}`, `/nix/store/${HASH}-`, `/nix/store/${HASH.slice(1)}-a`,
    `/nix/store/${HASH.replace('0', 'e')}-a`, `/nix/store/${HASH}-a/b`, `/nix/store/${HASH}-a\n`, `nix/store/${HASH}-a`,
    `/nix/store/../${HASH}-a`, `/nix/store/${HASH.toUpperCase()}-a`, `/nix/store/${HASH}-a b`, `/nix/store/${HASH}-ä`,
    `/nix/store/${HASH}-${'x'.repeat(212)}`,
  ]; // prettier-ignore
  for (const text of others) {
    test(`${JSON.stringify(text.slice(0, 60))} is none`, () => assert.throws(() => parseStorePath(text)));
  }
});
