import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { tarHeader, type TarEntry } from '#worker/pack/tar-header.ts';

const owner = { uid: 0, gid: 0 };

function fileOf(name: string, size = 0): TarEntry {
  return { kind: 'file', name: Buffer.from(name, 'latin1'), owner, mode: 0o444, size, content: () => [] };
}

/** Text of a field, up to its first zero byte. */
function field(header: Buffer, offset: number, length: number): string {
  return header.toString('latin1', offset, offset + length).replace(/\0.*$/s, '');
}

test('a path of 100 bytes is in the name, a longer one is split, and where it cannot be, there is a pax record', () => {
  const whole = 'a'.repeat(100);
  assert.equal(tarHeader(fileOf(whole)).length, 512);
  assert.equal(field(tarHeader(fileOf(whole)), 0, 100), whole);

  const split = tarHeader(fileOf(`${'p'.repeat(155)}/${'n'.repeat(100)}`));
  assert.equal(split.length, 512);
  assert.equal(field(split, 0, 100), 'n'.repeat(100));
  assert.equal(field(split, 345, 155), 'p'.repeat(155));

  for (const path of [
    'a'.repeat(101),
    `${'p'.repeat(156)}/name`,
    `p/${'n'.repeat(101)}`,
    `/${'n'.repeat(100)}`,
  ]) {
    const header = tarHeader(fileOf(path));
    assert.equal(header.length, 3 * 512, path);
    assert.equal(field(header, 156, 1), 'x');
    assert.match(header.toString('latin1', 512, 1024), new RegExp(`^[0-9]+ path=${path}\n\0+$`));
    assert.equal(field(header, 1024, 100), path.slice(0, 100));
  }
});

test('a folder is not split at the slash that ends it', () => {
  const name = `p/${'n'.repeat(99)}`;
  const header = tarHeader({ kind: 'directory', name: Buffer.from(name), owner, mode: 0o555 });
  assert.equal(header.length, 512);
  assert.equal(field(header, 0, 100), `${'n'.repeat(99)}/`);
});

test('the length of a pax record counts its own digits, also where they become more', () => {
  for (const length of [101, 110, 985, 986, 987, 988, 989, 990, 991, 992, 9983, 9984, 9985, 9986, 9987]) {
    const body = tarHeader(fileOf('a'.repeat(length))).subarray(512);
    const record = body.toString('latin1', 0, body.indexOf('\n') + 1);
    assert.equal(Number.parseInt(record, 10), record.length);
  }
});

test('long link targets, and names that are not ASCII, have pax records', () => {
  const header = tarHeader({
    kind: 'symlink',
    name: Buffer.from('naïve'),
    owner,
    mode: 0o777,
    target: Buffer.from('t'.repeat(101)),
  });
  assert.equal(
    field(header, 512, 512),
    `${Buffer.byteLength('15 path=naïve\n')} path=naïve\n115 linkpath=${'t'.repeat(101)}\n`.replace(
      'ï',
      'Ã¯',
    ),
  );
  const bytes = tarHeader(fileOf('caf\xe9'));
  assert.equal(field(bytes, 512, 512), '21 hdrcharset=BINARY\n13 path=caf\xe9\n');
});

test('a size of 8 GiB or more is in a pax record, and GNU tar reads it', () => {
  const limit = 8 * 2 ** 30;
  const below = tarHeader(fileOf('big', limit - 1));
  assert.equal(below.length, 512);
  assert.equal(field(below, 124, 12), '77777777777');

  const above = tarHeader(fileOf('big', limit));
  assert.equal(field(above, 512, 512), '19 size=8589934592\n');
  assert.equal(field(above, 1024 + 124, 12), '00000000000');
  for (const [header, size] of [
    [below, limit - 1],
    [above, limit],
  ] as const) {
    // It complains that the content is missing, having listed the entry.
    const listed = spawnSync('tar', ['-tvf', '-'], { input: header, encoding: 'utf8' });
    assert.match(listed.stdout, new RegExp(` ${size} .* big\n`));
  }
});

test('the owner is a number that fills its field, and GNU tar reads it', () => {
  for (const [uid, gid] of [
    [0, 0],
    [1000, 100],
    [0o7777777, 0o7777777],
  ] as const) {
    const header = tarHeader({ ...fileOf('owned'), owner: { uid, gid } });
    assert.equal(header.length, 512);
    const options = ['--numeric-owner', '-tvf', '-'];
    const { stdout } = spawnSync('tar', options, { input: header, encoding: 'utf8' });
    assert.match(stdout, new RegExp(` ${uid}/${gid} `));
  }
});
