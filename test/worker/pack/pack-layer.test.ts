import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { access, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { crc32c, formatCrc32c } from '#core/crc32c.ts';
import { TransientError } from '#core/errors.ts';
import { BlockPool } from '#worker/pack/block-pool.ts';
import { GZIP } from '#worker/pack/gzip.ts';
import { packLayer } from '#worker/pack/pack-layer.ts';
import { temporaryFolder } from './trees.ts';

const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Two and a half megabytes that do not compress. */
const tar = randomBytes(5 << 19);

const packing = { compressor: GZIP, pool: new BlockPool() };

test('says of the file in the spool what is true of it', async t => {
  const spoolFolder = temporaryFolder(t);
  const layer = await packLayer([tar.subarray(0, 1000), tar.subarray(1000)], { ...packing, spoolFolder });
  const blob = await readFile(layer.file);
  assert.ok(gunzipSync(blob).equals(tar));
  assert.equal(layer.diffId, sha256(tar));
  assert.equal(layer.digest, sha256(blob));
  assert.equal(layer.size, blob.length);
  assert.equal(layer.crc32c, formatCrc32c(crc32c(blob)));
});

test('the file is there until the layer is disposed of, and may be gone before', async t => {
  const spoolFolder = temporaryFolder(t);
  const layer = await packLayer([tar], { ...packing, spoolFolder });
  await access(layer.file);
  await layer[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(spoolFolder), []);
  await layer[Symbol.asyncDispose]();
});

test('two attempts at one layer have two files and the same bytes', async t => {
  const spoolFolder = temporaryFolder(t);
  const [one, two] = await Promise.all([
    packLayer([tar], { ...packing, spoolFolder }),
    packLayer([tar], { ...packing, spoolFolder }),
  ]);
  assert.notEqual(one.file, two.file);
  assert.ok((await readFile(one.file)).equals(await readFile(two.file)));
});

test('an abort in the middle ends it with its reason, and leaves neither file nor reader', async t => {
  const spoolFolder = temporaryFolder(t);
  const lost = new Error('the lease is lost');
  const controller = new AbortController();
  let closed = false;
  function* endless() {
    try {
      for (let chunks = 0; ; chunks++) {
        if (chunks === 8) controller.abort(lost);
        yield tar;
      }
    } finally {
      closed = true;
    }
  }
  await assert.rejects(packLayer(endless(), { ...packing, spoolFolder, signal: controller.signal }), lost);
  assert.ok(closed);
  assert.deepEqual(await readdir(spoolFolder), []);
  await assert.rejects(packLayer([tar], { ...packing, spoolFolder, signal: controller.signal }), lost);
  assert.deepEqual(await readdir(spoolFolder), []);
});

test('an error of the tar comes through as it is, and leaves no file', async t => {
  const spoolFolder = temporaryFolder(t);
  const broken = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
  function* failing() {
    yield tar;
    throw broken;
  }
  await assert.rejects(packLayer(failing(), { ...packing, spoolFolder }), broken);
  assert.deepEqual(await readdir(spoolFolder), []);
});

test('a spool that is not there is worth another try', async t => {
  const spoolFolder = join(temporaryFolder(t), 'missing');
  await assert.rejects(
    packLayer([tar], { ...packing, spoolFolder }),
    error =>
      error instanceof TransientError &&
      error.message.startsWith(`the spool folder ${spoolFolder} cannot be written`),
  );
});

/** The system refuses to write more than a megabyte into a file, as it does on a full disk with another number. */
test('a disk that takes no more is worth another try, and leaves no file', async t => {
  const spoolFolder = temporaryFolder(t);
  const program = `
    import { randomBytes } from 'node:crypto';
    import { BlockPool } from '#worker/pack/block-pool.ts';
    import { GZIP } from '#worker/pack/gzip.ts';
    import { packLayer } from '#worker/pack/pack-layer.ts';
    const options = { compressor: GZIP, pool: new BlockPool(), spoolFolder: process.argv[1] };
    const failed = await packLayer([randomBytes(4 << 20)], options).catch(error => error);
    console.log(failed.name + ': ' + failed.message + ' (' + failed.cause?.code + ')');
  `;
  const limited = ['-c', 'ulimit -f 1024; exec "$0" "$@"', process.execPath];
  const said = execFileSync('bash', [...limited, '--input-type=module', '-e', program, spoolFolder], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  assert.equal(
    said,
    `TransientError: the spool folder ${spoolFolder} cannot be written: EFBIG: file too large, write (EFBIG)\n`,
  );
  assert.deepEqual(await readdir(spoolFolder), []);
});
