import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TransientError } from '#core/errors.ts';
import { hashFolder } from '#worker/nix/hash-folder.ts';
import { openNix } from '#worker/nix/nix.ts';

const nix = openNix({ store: undefined, config: '' });
const signal = AbortSignal.timeout(60_000);

test('a folder’s hash follows what is in it, not where or when it was written', async context => {
  const root = await mkdtemp(join(tmpdir(), 'derivery hash-'));
  context.after(() => rm(root, { recursive: true }));
  const write = async (name: string): Promise<string> => {
    const folder = join(root, name);
    await mkdir(folder);
    await writeFile(join(folder, 'default.nix'), '{ }');
    return folder;
  };
  const [a, b] = [await write('a'), await write('b')];
  await utimes(join(b, 'default.nix'), 1, 1);
  const hash = await hashFolder(nix, a, signal);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(await hashFolder(nix, b, signal), hash);
  await chmod(join(b, 'default.nix'), 0o755);
  assert.notEqual(await hashFolder(nix, b, signal), hash);
  await assert.rejects(hashFolder(nix, join(root, 'none'), signal), TransientError);
});
