// T22: what a binary cache says it has is taken only where a trusted key has signed it, and it is what was signed.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { StorePath } from '#core/store-path.ts';
import { runNix } from '#worker/nix/run-nix.ts';
import type { Nix } from '#worker/nix/nix.ts';
import { cacheOf, derivations, emptyStore, isValid } from './binary-cache.ts';

const signal = AbortSignal.timeout(60_000);

interface SignedCache {
  readonly address: string;
  readonly folder: string;
  readonly path: StorePath;
  readonly publicKey: string;
}

/** A cache with one path, signed. */
async function signedCache(context: TestContext): Promise<SignedCache> {
  const keys = await realpath(await mkdtemp(join(tmpdir(), 'derivery-keys-')));
  context.after(() => rm(keys, { recursive: true }));
  const [secret, open] = [join(keys, 'secret'), join(keys, 'public')];
  await execa('nix-store', ['--generate-binary-cache-key', 'test-1', secret, open]);
  const builder = await emptyStore(context);
  const { one } = await derivations(context, builder, { one: 'mkdir $out; echo one >$out/one' }, true);
  assert.ok(one);
  const address = await cacheOf(context, builder, [one.path], secret);
  return {
    address,
    folder: fileURLToPath(address),
    path: one.path,
    publicKey: (await readFile(open, 'utf8')).trim(),
  };
}

async function fetches(nix: Nix, path: StorePath): Promise<{ succeeded: boolean; stderr: string }> {
  const { succeeded, stderr } = await runNix(nix, 'nix-store', ['--realise', path], { signal });
  assert.equal(await isValid(nix, path), succeeded);
  return { succeeded, stderr };
}

async function change(folder: string, suffix: string, to: (text: Buffer) => Buffer): Promise<void> {
  const names = (await readdir(folder)).filter(name => name.endsWith(suffix));
  assert.ok(names.length > 0, suffix);
  for (const name of names) await writeFile(join(folder, name), to(await readFile(join(folder, name))));
}

suite('T22: a path of a binary cache', { timeout: 60_000 }, () => {
  test('is taken where a trusted key has signed it', async context => {
    const { address, path, publicKey } = await signedCache(context);
    const nix = await emptyStore(context, { from: address, trusting: [publicKey] });
    assert.equal((await fetches(nix, path)).succeeded, true);
  });

  test('is not where no key, or another one, has', async context => {
    const { address, folder, path, publicKey } = await signedCache(context);
    const stranger = 'test-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
    const { stderr } = await fetches(
      await emptyStore(context, { from: address, trusting: [stranger] }),
      path,
    );
    assert.match(stderr, /signature|signed/);

    await change(folder, '.narinfo', text => Buffer.from(String(text).replace(/^Sig: .*\n/gm, '')));
    const trusting = await emptyStore(context, { from: address, trusting: [publicKey] });
    assert.equal((await fetches(trusting, path)).succeeded, false);
  });

  test('is not where its bytes are others than those that were signed', async context => {
    const { address, folder, path, publicKey } = await signedCache(context);
    await change(join(folder, 'nar'), '.nar', bytes => {
      const at = bytes.lastIndexOf('one\n');
      bytes.write('two\n', at);
      return bytes;
    });
    // The cache may say of its file whatever it likes: what counts is what the signature is of.
    await change(folder, '.narinfo', text => Buffer.from(String(text).replace(/^FileHash: .*\n/gm, '')));
    const nix = await emptyStore(context, { from: address, trusting: [publicKey] });
    const { succeeded, stderr } = await fetches(nix, path);
    assert.equal(succeeded, false);
    assert.match(stderr, /hash mismatch/);
  });
});
