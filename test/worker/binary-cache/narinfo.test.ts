import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseStorePath } from '#core/store-path.ts';
import { narinfoName, parseNarinfo } from '#worker/binary-cache/narinfo.ts';

const path = parseStorePath('/nix/store/zzibvg5cxnzj1ialnzlbjvbvkpvj9j0k-curl-8.9.1-bin');
const glibc = parseStorePath('/nix/store/3dyw8dzj9ab4m8hv5dpyx7zii8d0w6fi-glibc-2.39-52');

/** As a cache of Nix's writes it; `changes` replace fields, or leave them out. */
function narinfo(changes: Readonly<Record<string, string | undefined>> = {}): string {
  const fields = {
    StorePath: path,
    URL: 'nar/0qp.nar.xz',
    Compression: 'xz',
    FileHash: 'sha256:0qp',
    FileSize: '114980',
    NarHash: 'sha256:1xy',
    NarSize: '248256',
    References: `${glibc.slice(11)} ${path.slice(11)}`,
    Deriver: 'kn0-curl-8.9.1.drv',
    Sig: 'cache.nixos.org-1:GrGV/Ls10Tzo==',
    ...changes,
  };
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\n`]))
    .join('');
}

describe('a narinfo', () => {
  test('is found by the hash of its path', () => {
    assert.equal(narinfoName(path), 'zzibvg5cxnzj1ialnzlbjvbvkpvj9j0k.narinfo');
  });

  test('tells sizes and what else a path refers to', () => {
    const told = { path, narSize: 248_256, fileSize: 114_980, references: [glibc] };
    assert.deepEqual(parseNarinfo(narinfo(), path), told);
    assert.deepEqual(parseNarinfo(narinfo({ References: '' }), path), { ...told, references: [] });
  });

  test('need not tell how large its file is', () => {
    for (const FileSize of [undefined, '0']) {
      const told = parseNarinfo(narinfo({ FileSize }), path);
      assert.deepEqual(told, { path, narSize: 248_256, references: [glibc] });
    }
  });

  const useless: readonly [what: string, text: string][] = [
    ['of another path', narinfo({ StorePath: glibc })],
    ['of a path elsewhere', narinfo({ StorePath: path.replace('/nix/', '/gnu/') })],
    ['without a size', narinfo({ NarSize: undefined })],
    ['with a size that is none', narinfo({ NarSize: '-5' })],
    ['without references', narinfo({ References: undefined })],
    ['with references that are no paths', narinfo({ References: '../../etc/passwd' })],
    ['that is something else', '<html>Welcome to the hotel’s network'],
    ['of nothing', ''],
  ];
  for (const [what, text] of useless) {
    test(`${what} is none`, () => assert.equal(parseNarinfo(text, path), undefined));
  }
});
