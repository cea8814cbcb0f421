import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { parseStorePath } from '#core/store-path.ts';
import { build, debianSet, type DebianSet } from '#test/nix/debian-set.ts';
import { closure, parseDump } from '#worker/nix/closure.ts';
import { runNix } from '#worker/nix/run-nix.ts';

const signal = AbortSignal.timeout(60_000);
let set: DebianSet;
before(async () => {
  set = await debianSet();
});

test('has every path once, with references that are in it and never the path itself', async () => {
  const paths = (await build(set, ['git', 'bash', 'sqlite', 'sqlite.out'])).map(({ path }) => path);
  const nodes = await closure(set.nix, [...paths, ...paths], { signal });
  const all = new Set(nodes.map(({ path }) => path));
  assert.equal(all.size, nodes.length);
  for (const path of paths) assert.ok(all.has(path));
  for (const { path, references } of nodes) {
    assert.ok(!references.includes(path));
    for (const reference of references) assert.ok(all.has(reference), reference);
  }
});

test('has the hashes and sizes that Nix computes', async () => {
  const paths = (await build(set, ['jq'])).map(({ path }) => path);
  for (const { path, narHash, narSize } of await closure(set.nix, paths, { signal })) {
    const hash = await runNix(set.nix, 'nix-hash', ['--type', 'sha256', set.nix.realPath(path)], { signal });
    assert.equal(`sha256:${hash.stdout.trim()}`, narHash);
    const size = await runNix(set.nix, 'nix-store', ['--query', '--size', path], { signal });
    assert.equal(Number(size.stdout), narSize);
  }
});

test('of nothing is nothing', async () => {
  assert.deepEqual(await closure(set.nix, [], { signal }), []);
});

test('of a path that is not there is an error', async () => {
  const path = parseStorePath(`/nix/store/${'0'.repeat(32)}-none`);
  await assert.rejects(closure(set.nix, [path], { signal }), TransientError);
});

suite('the dump of the database', () => {
  const a = `/nix/store/${'a'.repeat(32)}-a`;
  const b = `/nix/store/${'b'.repeat(32)}-b`;
  const hash = '0123456789abcdef'.repeat(4);

  test('is parsed', () => {
    const dump = `${[a, hash, '120', `${b}.drv`, '2', a, b, b, hash, '7', '', '0'].join('\n')}\n`;
    assert.deepEqual(parseDump(dump), [
      { path: a, narHash: `sha256:${hash}`, narSize: 120, references: [b] },
      { path: b, narHash: `sha256:${hash}`, narSize: 7, references: [] },
    ]);
  });

  const broken: Record<string, string> = {
    'no store path': `${['/etc/passwd', hash, '1', '', '0'].join('\n')}\n`,
    'a hash of another kind': `${[a, 'sha256:x', '1', '', '0'].join('\n')}\n`,
    'a size that is none': `${[a, hash, '-1', '', '0'].join('\n')}\n`,
    'fewer references than said': `${[a, hash, '1', '', '2', b].join('\n')}\n`,
    'more references than said': `${[a, hash, '1', '', '0', b].join('\n')}\n`,
    'an end within a line': [a, hash, '1', '', '0'].join('\n'),
  };
  for (const [name, dump] of Object.entries(broken)) {
    test(`is refused: ${name}`, () => assert.throws(() => parseDump(dump)));
  }
});
