import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { temporaryFolder } from './trees.ts';

/** What packing may take, whatever is packed. A worker has the clients of Google's services besides. */
const LIMIT_MIB = 256;

const PROGRAM = fileURLToPath(new URL('fixtures/pack-folder.ts', import.meta.url));

const figuresSchema = z.object({ tarBytes: z.number(), size: z.number(), peakMiB: z.number() });

function pack(folder: string, spoolFolder: string): z.infer<typeof figuresSchema> {
  const said = execFileSync(process.execPath, [PROGRAM, folder, spoolFolder], { encoding: 'utf8' });
  return figuresSchema.parse(JSON.parse(said));
}

test('a file much larger than the memory is packed in little of it', t => {
  const place = temporaryFolder(t);
  const folder = join(place, 'real');
  mkdirSync(folder);
  // Zeros, which the disk need not hold: `npm run bench -- --only packing` does the same with 5 GB.
  writeFileSync(join(folder, 'large'), '');
  truncateSync(join(folder, 'large'), 700e6);
  const { tarBytes, peakMiB } = pack(folder, place);
  assert.ok(tarBytes > 700e6);
  assert.ok(peakMiB < LIMIT_MIB, `${peakMiB} MiB`);
});

/** As many as a test has time to make; the benchmark has ten times as many. */
const FILES = 20_000;

test('very many files in one folder are packed in little memory', t => {
  const place = temporaryFolder(t);
  const folder = join(place, 'real');
  mkdirSync(folder);
  execFileSync('sh', ['-c', `seq ${FILES} | xargs touch`], { cwd: folder });
  const { tarBytes, peakMiB } = pack(folder, place);
  // A header each, one of each of the folder and the two above it, and two blocks at the end.
  assert.equal(tarBytes, 512 * (FILES + 3 + 2));
  assert.ok(peakMiB < LIMIT_MIB, `${peakMiB} MiB`);
});
